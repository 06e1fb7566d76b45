import { z } from 'zod';
import { keyBytesSchema, keyIdSchema } from './key-set.ts';
import { sizes } from './sizes.ts';

/** A value of the CloudEvents attribute `source`. */
const eventSourceSchema = z
  .string()
  .min(1)
  .max(sizes.keyCharacters, `must have at most ${sizes.keyCharacters} characters`);

const common = { kid: keyIdSchema, use: z.literal('sig').exactOptional() };

/** RFC 8037, 2 and RFC 7518, 6.2.1: only the public part; a field such as `d` is rejected. */
const eventKeySchema = z.discriminatedUnion('kty', [
  z.strictObject({
    ...common,
    kty: z.literal('OKP'),
    crv: z.literal('Ed25519'),
    alg: z.enum(['Ed25519', 'EdDSA']).exactOptional(),
    x: keyBytesSchema,
  }),
  z.strictObject({
    ...common,
    kty: z.literal('EC'),
    crv: z.literal('P-256'),
    alg: z.literal('ES256').exactOptional(),
    x: keyBytesSchema,
    y: keyBytesSchema,
  }),
]);
export type EventKey = z.infer<typeof eventKeySchema>;

/** Which events may request exports for an account. */
export const eventPolicySchema = z.strictObject({
  mode: z.enum(['unsigned', 'signed']).meta({
    description:
      '`unsigned`: events with and without a signature; `signed`: only those that a key of the account has signed',
  }),
  sources: z.array(eventSourceSchema).min(1).max(sizes.listValues).nullable().meta({
    description: 'permitted values of `source` in events for this account; null: all',
  }),
  keys: z
    .array(eventKeySchema)
    .max(20, 'must be at most 20 keys')
    .refine(
      (keys) => new Set(keys.map(({ kid }) => kid)).size === keys.length,
      'must have a different `kid` each',
    )
    .meta({
      description:
        'public keys (RFC 7517) with which the account signs events; a key that is removed from the list is revoked',
    }),
});
export type EventPolicy = z.infer<typeof eventPolicySchema>;

export const eventPolicyExample: EventPolicy = {
  mode: 'signed',
  sources: ['/warehouse'],
  keys: [
    {
      kty: 'OKP',
      crv: 'Ed25519',
      kid: 'warehouse-2026',
      x: '6K9JqsVbTB1iLQMuvM9FcN9fiBWdLt6nlv8-bMbg7SM',
    },
  ],
};

/** A detached JWS (RFC 7515, appendix F): a header, an empty payload, and the signature. */
const eventSignatureSchema = z
  .string()
  .max(1_024)
  .regex(/^[A-Za-z0-9_-]+\.\.[A-Za-z0-9_-]+$/);

/** The additional fields of a signed event. */
export const signedEventFields = {
  time: z.iso.datetime({ offset: true }).optional().meta({
    description: 'creation time; required for a signed event, which is accepted for 6 days',
  }),
  signature: eventSignatureSchema.optional().meta({
    description:
      'a detached JWS over the canonical form (RFC 8785) of the event without this attribute, by a key that is registered for the account',
  }),
};
