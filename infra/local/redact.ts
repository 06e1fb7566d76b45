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
];

export function withoutSecrets(text: string): string {
  return SECRETS.reduce((shown, [secret, instead]) => shown.replace(secret, instead), text);
}
