/** What NGINX itself answers instead of a file or of the API, in the words and by the codes of everything else. */
import { type Code, codes } from '../../lib/contracts/codes.ts';
import { sizes } from '../../lib/contracts/sizes.ts';

/** Beyond it NGINX answers 414; the number is that of `$path_is_long` in nginx.conf.template. */
const addressCharacters = 8_192;

/** By the status of NGINX's own errors. */
const ownProblems: Record<number, { code: Code; detail: string }> = {
  400: {
    code: 'malformed_request',
    detail: 'The path, a header or the length of the request cannot be understood.',
  },
  405: { code: 'method_not_allowed', detail: 'Allowed are the methods in the header Allow.' },
  408: { code: 'malformed_request', detail: 'The request did not arrive in time.' },
  412: {
    code: 'precondition_failed',
    detail: 'The file has another ETag, or was changed later, than the condition allows.',
  },
  413: {
    code: 'too_large',
    detail: `A request may have ${sizes.requestBytes} bytes, a sign-in ${sizes.signInBytes}.`,
  },
  414: { code: 'too_large', detail: `An address may have ${addressCharacters} characters.` },
  429: {
    code: 'too_many_requests',
    detail: 'More requests came from you than are taken at a time. Wait, then send fewer at once.',
  },
  431: { code: 'too_large', detail: 'The headers are too large. Send fewer cookies.' },
  501: { code: 'malformed_request', detail: 'This transfer encoding is not known.' },
  503: { code: 'unavailable', detail: 'The API does not answer. Try again in a few seconds.' },
};

/** By the code with which the authorizer refuses a download, or NGINX does in its place. */
const refusedDownloads: Partial<Record<Code, string>> = {
  unauthenticated: 'Sign in, or send a key in X-Api-Key.',
  forbidden: 'The right to this file was withdrawn.',
  not_found: 'There is no file behind this link. Start the download from the export again.',
  ticket_used:
    'A link works in the browser that used it first. Start the download from the export again.',
  ticket_expired:
    'A link has to be used within a minute. Start the download from the export again.',
  expired: 'Its file is deleted. Ask for the export again.',
  file_changed: 'It is not delivered. Ask for the export again, and tell your administrator.',
  too_many_requests:
    'More downloads are under way from your network than are taken at a time. Try again in a few seconds.',
  unavailable: 'The download cannot be checked or fetched now. Try again in a few seconds.',
};

/** In double quotes of NGINX, and within a string of JSON. Throws on what would end either, or be a variable. */
function quoted(text: string): string {
  if (/["\\$\n]/.test(text)) throw new Error(`NGINX cannot be given this text: ${text}`);
  return `"${text}"`;
}

function map(of: string, name: string, values: Iterable<readonly [string | number, string]>) {
  const lines = [...values].map(([key, value]) => `  ${key} ${quoted(value)};`);
  return `map $${of} $${name} {\n${lines.join('\n')}\n}\n`;
}

const json = (prefix: string, number: string): string =>
  `'{"type":"urn:streamsync:problem:$${prefix}_code","title":"$${prefix}_title","status":${number},"detail":"$${prefix}_detail","code":"$${prefix}_code","requestId":"$request_id"}'`;

/** Returns problems.conf: the variables `$problem…` by `$status` and `$refusal…` by `$refused_code`. */
export function problemsConf(): string {
  const own = Object.entries(ownProblems);
  const refused = Object.entries(refusedDownloads);
  const titles = Object.entries(codes).map(([code, { title }]) => [code, title] as const);
  const { forbidden = '' } = refusedDownloads;
  return [
    map('status', 'problem_code', [
      ['default', 'internal'],
      ...own.map(([status, { code }]) => [status, code] as const),
    ]),
    map('status', 'problem_title', [
      ['default', codes.internal.title],
      ...own.map(([status, { code }]) => [status, codes[code].title] as const),
    ]),
    map('status', 'problem_detail', [
      ['default', 'Something failed on our side.'],
      ...own.map(([status, { detail }]) => [status, detail] as const),
    ]),
    map('status', 'problem_retry_after', [
      ['default', ''],
      [429, '5'],
      [503, '5'],
    ]),
    'map $request_uri $allowed_methods {\n  default "DELETE, GET, HEAD, POST, PUT";\n  ~^/files/ "GET, HEAD";\n}\n',
    'map $status $problem_allow {\n  default "";\n  405 $allowed_methods;\n}\n',
    `map $status $problem {\n  default ${json('problem', '$status')};\n}\n`,
    'map $refused_code $refusal_code {\n  default forbidden;\n  ~^[a-z_]+$ $refused_code;\n}\n',
    map('refused_code', 'refusal_title', [['default', codes.forbidden.title], ...titles]),
    map('refused_code', 'refusal_detail', [['default', forbidden], ...refused]),
    `map $refused_status $refusal_problem {\n  default ${json('refusal', '$refusal_number')};\n}\n`,
  ].join('\n');
}
