import { expect, test } from '@jest/globals';
import { hashPassword, verifyPassword } from './passwords.ts';

test('verifyPassword accepts only the password of the hash', async () => {
  const hash = await hashPassword('correct horse');
  // A salt of 16 bytes and a tag of 32, in base64 without padding.
  expect(hash).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/);
  expect(await verifyPassword('correct horse', hash)).toBe(true);
  expect(await verifyPassword('correct horsE', hash)).toBe(false);
});

test('hashPassword returns a new hash for the same password', async () => {
  expect(await hashPassword('x')).not.toBe(await hashPassword('x'));
});

test('verifyPassword throws when the stored text is not a hash', async () => {
  await expect(verifyPassword('x', 'plain')).rejects.toThrow('PHC');
});
