/** Credentials that are hidden in logs and in messages of drivers. */
const secretPatterns: readonly (readonly [RegExp, string])[] = [
  // The ticket in a download link.
  [/(\/files\/)[A-Za-z0-9_-]{43}(?![A-Za-z0-9_-])/g, '$1…'],
  [/\bssk_[A-Za-z0-9_-]+/g, 'ssk_…'],
  [/\b(ss_dl=)[A-Za-z0-9_-]+/g, '$1…'],
  // The token of a session: the three parts of a JSON Web Token.
  [/\beyJ[\w-]+\.[\w-]+\.[\w-]+/g, '…'],
  [/\b(\w+:\/\/[^\s:/@]+:)[^\s@/]+@/g, '$1…@'],
  [/\b(X-Amz-(?:Signature|Credential|Security-Token)=)[^&\s"]+/gi, '$1…'],
  [/\b(AWS4-HMAC-SHA256 ).*?\b(Signature=)[0-9a-f]+/gi, '$1…'],
];

export function redactSecrets(text: string): string {
  return secretPatterns.reduce(
    (redacted, [secret, replacement]) => redacted.replace(secret, replacement),
    text,
  );
}

/** Texts of 43 characters or more, the length of our secrets, percent-encoded or not; ids are shorter. */
const longTexts = /[A-Za-z0-9_%-]{43,}/g;

/** The addresses in a line of NGINX's error log. NGINX truncates lines, so the last address may have no closing quote. */
const loggedAddress = /\b(request|subrequest|upstream|referrer): "([^"]*)("|$)/g;

/**
 * Returns a line of NGINX's error log without credentials. The log has addresses as they were sent, and the same path
 * has many spellings: of addresses outside /api only the first segment is kept.
 */
export function redactAddresses(line: string): string {
  const redacted = line
    // Control characters from a client must not reach a terminal.
    .replace(/\p{Cc}/gu, '?')
    .replace(loggedAddress, (_, field: string, value: string, end: string) =>
      end === '' ? `${field}: "…` : `${field}: "${shortenAddress(value)}"`,
    )
    .replace(longTexts, '…');
  return redactSecrets(redacted);
}

function shortenAddress(value: string): string {
  const parts = /^([A-Z]{1,20} )?([a-z]+:\/\/[^/\s]*|)(\/[^/?\s]*)([^?\s]*)/.exec(value);
  if (!parts) return '…';
  const [, method = '', origin = '', first = '', rest = ''] = parts;
  if (first === '/api') return `${method}${origin}${first}${rest}`;
  return `${method}${origin}${first}${rest === '' ? '' : '/…'}`;
}
