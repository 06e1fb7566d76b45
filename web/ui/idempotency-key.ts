/** Returns 128 random bits in hexadecimal. `crypto.randomUUID` is missing on plain-HTTP origins. */
export function randomKey(): string {
  const random = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(random, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
