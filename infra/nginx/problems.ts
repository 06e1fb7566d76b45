/** Renders NGINX's own errors with the codes and texts of the API. */
import { type Code, codes } from '../../lib/contracts/codes.ts';
import { sizes } from '../../lib/contracts/sizes.ts';

/** NGINX answers 414 for longer addresses; `$path_is_long` in nginx.conf.template has the same number. */
const maxAddressCharacters = 8_192;

/** Problems by the status of NGINX's own errors. */
const ownProblems: Record<number, { code: Code; detail: string }> = {
  400: {
    code: 'malformed_request',
    detail: 'The path, a header or the length of the request is malformed.',
  },
  405: { code: 'method_not_allowed', detail: 'Use one of the methods in the header Allow.' },
  408: { code: 'malformed_request', detail: 'The request did not arrive in time.' },
  412: {
    code: 'precondition_failed',
    detail: 'The file has another ETag or a later time than the condition allows.',
  },
  413: {
    code: 'too_large',
    detail: `A request may have at most ${sizes.requestBytes} bytes, a sign-in ${sizes.signInBytes}.`,
  },
  414: {
    code: 'too_large',
    detail: `An address may have at most ${maxAddressCharacters} characters.`,
  },
  429: {
    code: 'too_many_requests',
    detail: 'You sent more requests at once than the limit allows. Wait, then send fewer at once.',
  },
  431: { code: 'too_large', detail: 'The headers are too large. Send fewer cookies.' },
  501: { code: 'malformed_request', detail: 'This transfer encoding is not supported.' },
  503: { code: 'unavailable', detail: 'The API does not answer. Try again in a few seconds.' },
};

/** Details by the code with which authorize-download, or NGINX in its place, rejects a download. */
const downloadProblems: Partial<Record<Code, string>> = {
  unauthenticated: 'Sign in, or send a key in X-Api-Key.',
  forbidden: 'Your right to this file was withdrawn.',
  not_found: 'This link leads to no file. Start the download from the export again.',
  ticket_used:
    'A link works only in the browser that used it first. Start the download from the export again.',
  ticket_expired:
    'A link has to be used within a minute. Start the download from the export again.',
  expired: 'The file was deleted. Request the export again.',
  file_changed:
    'The stored file is not the one of the export. Request the export again, and tell your administrator.',
  too_many_requests:
    'Your network has more downloads in progress than the limit allows. Try again in a few seconds.',
  unavailable: 'The download cannot be checked or fetched now. Try again in a few seconds.',
};

/** Quotes a text for NGINX. Throws if it would end the quotes or a JSON string, or if it contains a variable. */
function quoted(text: string): string {
  if (/["\\$\n]/.test(text)) throw new Error(`text with ", \\, $ or a line break: ${text}`);
  return `"${text}"`;
}

function map(of: string, name: string, values: Iterable<readonly [string | number, string]>) {
  const lines = [...values].map(([key, value]) => `  ${key} ${quoted(value)};`);
  return `map $${of} $${name} {\n${lines.join('\n')}\n}\n`;
}

function json(prefix: string, number: string): string {
  return `'{"type":"urn:streamsync:problem:$${prefix}_code","title":"$${prefix}_title","status":${number},"detail":"$${prefix}_detail","code":"$${prefix}_code","requestId":"$request_id"}'`;
}

/** Returns problems.conf: the variables `$problem…` by `$status` and `$refusal…` by `$refused_code`. */
export function problemsConf(): string {
  const own = Object.entries(ownProblems);
  const downloadDetails = Object.entries(downloadProblems);
  const titles = Object.entries(codes).map(([code, { title }]) => [code, title] as const);
  const { forbidden = '' } = downloadProblems;
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
    map('refused_code', 'refusal_detail', [['default', forbidden], ...downloadDetails]),
    `map $refused_status $refusal_problem {\n  default ${json('refusal', '$refusal_number')};\n}\n`,
  ].join('\n');
}
