import { z } from 'zod';

/** An Ed25519 key (RFC 8037, 2): 32 bytes in base64url. */
export const keyBytesSchema = z
  .string()
  .regex(/^[A-Za-z0-9_-]{43}$/, 'must be 43 characters of base64url');

export const keyIdSchema = z
  .string()
  .regex(/^[A-Za-z0-9._~-]{1,128}$/, 'must be 1 to 128 letters, digits or . _ ~ -');

export const publicKeySchema = z.object({
  kty: z.literal('OKP'),
  crv: z.literal('Ed25519'),
  alg: z.literal('Ed25519'),
  use: z.literal('sig'),
  kid: keyIdSchema,
  x: keyBytesSchema,
});
export type PublicKey = z.infer<typeof publicKeySchema>;

/** The keys that verify manifests (RFC 7517). */
export const keySetSchema = z.object({ keys: z.array(publicKeySchema) });
export type KeySet = z.infer<typeof keySetSchema>;
