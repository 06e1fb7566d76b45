import { createPublicKey, diffieHellman, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { bech32 } from '@scure/base';
import { z } from 'zod';
import { sizes } from './sizes.ts';

/** An X25519 recipient of age: `age1`, then 32 bytes and a checksum in Bech32. */
const recipientPattern = /^age1[02-9ac-hj-np-z]{58}$/;

/**
 * Returns whether a file can be encrypted for a recipient: its checksum is right, and a private key agrees on a secret
 * with it. None does with a point of low order, whose secrets everyone knows.
 */
function isRecipient(text: string, privateKey: KeyObject): boolean {
  if (!recipientPattern.test(text)) return false;
  try {
    const x = Buffer.from(bech32.decodeToBytes(text).bytes).toString('base64url');
    const publicKey = createPublicKey({ key: { kty: 'OKP', crv: 'X25519', x }, format: 'jwk' });
    return diffieHellman({ privateKey, publicKey }).length > 0;
  } catch {
    return false;
  }
}

/** The recipients of an encrypted file. */
export const encryptionSchema = z.strictObject({
  recipients: z
    .array(
      z.string().meta({
        description: 'an X25519 recipient of age, the public key that age-keygen prints',
        pattern: recipientPattern.source,
      }),
    )
    .min(1, 'must name a recipient')
    // Aborts, because checking a key takes time.
    .max(sizes.recipients, {
      message: `must name at most ${sizes.recipients} recipients`,
      abort: true,
    })
    .refine((keys) => new Set(keys).size === keys.length, 'names a recipient twice')
    .superRefine((keys, context) => {
      const { privateKey } = generateKeyPairSync('x25519');
      const wrong = keys.findIndex((key) => !isRecipient(key, privateKey));
      // The message does not repeat it: it may be an identity, which is secret.
      if (wrong !== -1)
        context.addIssue({
          code: 'custom',
          path: [wrong],
          message: `must be X25519 recipients of age, the public keys that age-keygen prints: age1 and 58 more characters; number ${wrong + 1} is not`,
        });
    }),
});
