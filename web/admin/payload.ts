const bytesOf = (base64: string): Uint8Array =>
  Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));

/** Returns bytes as UTF-8. Others become `�`, and control characters are shown as such. */
export const asText = (base64: string): string =>
  new TextDecoder()
    .decode(bytesOf(base64))
    .replaceAll(/[\p{Cc}\p{Cf}]/gu, (character) =>
      character === '\n' || character === '\t'
        ? character
        : `\\u${(character.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`,
    );

/** Returns bytes in hexadecimal digits, 16 in a line. */
export function asHex(base64: string): string {
  const digits = Array.from(bytesOf(base64), (byte) => byte.toString(16).padStart(2, '0'));
  const lines: string[] = [];
  for (let start = 0; start < digits.length; start += 16)
    lines.push(digits.slice(start, start + 16).join(' '));
  return lines.join('\n');
}
