/** What lets somebody in must not be shown, wherever a log or a message of a driver has it. */
const SECRETS: readonly (readonly [RegExp, string])[] = [
  // The ticket in the address of a download.
  [/(\/files\/)[A-Za-z0-9_-]{43}(?![A-Za-z0-9_-])/g, '$1…'],
  [/\bssk_[A-Za-z0-9_-]+/g, 'ssk_…'],
  [/\b(ss_dl=)[A-Za-z0-9_-]+/g, '$1…'],
  // A session: three parts of a JSON web token.
  [/\beyJ[\w-]+\.[\w-]+\.[\w-]+/g, '…'],
  [/\b(\w+:\/\/[^\s:/@]+:)[^\s@/]+@/g, '$1…@'],
  [/\b(X-Amz-(?:Signature|Credential|Security-Token)=)[^&\s"]+/gi, '$1…'],
  [/\b(AWS4-HMAC-SHA256 ).*?\b(Signature=)[0-9a-f]+/gi, '$1…'],
];

export function withoutSecrets(text: string): string {
  return SECRETS.reduce((shown, [secret, instead]) => shown.replace(secret, instead), text);
}

/** As long as a secret of ours, percent-encoded or not; ids are shorter. */
const asLongAsSecrets = /[A-Za-z0-9_%-]{43,}/g;

/** The addresses in a line of NGINX's error log. It cuts the line off, so that the last of them may have no end. */
const loggedAddress = /\b(request|subrequest|upstream|referrer): "([^"]*)("|$)/g;

/**
 * Returns a line of NGINX's error log without what lets somebody in. The log has addresses as they were sent, of
 * which there is no end of spellings: of all but the API's no more than the first name is kept.
 */
export function withoutAddresses(line: string): string {
  const shown = line
    // What a client sends must not steer a terminal.
    .replace(/\p{Cc}/gu, '?')
    .replace(loggedAddress, (_, field: string, value: string, end: string) =>
      end === '' ? `${field}: "…` : `${field}: "${shortened(value)}"`,
    )
    .replace(asLongAsSecrets, '…');
  return withoutSecrets(shown);
}

function shortened(value: string): string {
  const parts = /^([A-Z]{1,20} )?([a-z]+:\/\/[^/\s]*|)(\/[^/?\s]*)([^?\s]*)/.exec(value);
  if (!parts) return '…';
  const [, method = '', origin = '', first = '', rest = ''] = parts;
  if (first === '/api') return `${method}${origin}${first}${rest}`;
  return `${method}${origin}${first}${rest === '' ? '' : '/…'}`;
}
