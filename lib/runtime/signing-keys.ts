import { createPrivateKey, createPublicKey } from 'node:crypto';
import { z } from 'zod';
import { type KeySet, keyBytesSchema, keyIdSchema } from '../contracts/key-set.ts';

export interface SigningKey {
  kid: string;
  x: string;
  /** The private part. Only its signatures leave the process. */
  d: string;
}

export interface SigningKeys {
  signing: SigningKey;
  published: KeySet;
}

const keySchema = z
  .strictObject({
    kty: z.literal('OKP'),
    crv: z.literal('Ed25519'),
    alg: z.literal('Ed25519').optional(),
    use: z.literal('sig').optional(),
    kid: keyIdSchema,
    x: keyBytesSchema,
    d: keyBytesSchema.optional(),
  })
  .refine(({ x, d }) => d === undefined || publicPartOf(x, d) === x, '`x` does not belong to `d`');

/** The first key signs. The others are only published and need no private part. */
export const signingKeysSchema = z
  .strictObject({
    keys: z
      .array(keySchema)
      .min(1, 'must have at least one key')
      .refine(
        (keys) => new Set(keys.map(({ kid }) => kid)).size === keys.length,
        'must not repeat a `kid`',
      ),
  })
  .transform(({ keys }, context): SigningKeys => {
    const [first] = keys;
    if (first?.d === undefined) {
      context.addIssue({ code: 'custom', message: 'the first key signs and must have `d`' });
      return z.NEVER;
    }
    const { kid, x, d } = first;
    const published = keys.map((key) => ({
      kty: key.kty,
      crv: key.crv,
      alg: 'Ed25519' as const,
      use: 'sig' as const,
      kid: key.kid,
      x: key.x,
    }));
    return { signing: { kid, x, d }, published: { keys: published } };
  });

function publicPartOf(x: string, d: string): string | undefined {
  const pair = { kty: 'OKP', crv: 'Ed25519', x, d };
  try {
    return createPublicKey(createPrivateKey({ key: pair, format: 'jwk' })).export({ format: 'jwk' })
      .x;
  } catch {
    return undefined;
  }
}
