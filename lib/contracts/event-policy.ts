import { z } from 'zod';
import { keyBytesSchema, keyIdSchema } from './key-set.ts';
import { sizes } from './sizes.ts';

/** As in CloudEvents' `source`. */
const eventSourceSchema = z
  .string()
  .min(1)
  .max(sizes.keyCharacters, `must have at most ${sizes.keyCharacters} characters`);

const common = { kid: keyIdSchema, use: z.literal('sig').exactOptional() };

/** RFC 8037, 2 and RFC 7518, 6.2.1: the public part alone, a field like `d` is refused. */
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

/** Which events may ask for exports in the name of an account. */
export const eventPolicySchema = z.strictObject({
  mode: z.enum(['unsigned', 'signed']).meta({
    description:
      '`unsigned`: events with and without a signature; `signed`: only those that a key of the account has signed',
  }),
  sources: z.array(eventSourceSchema).min(1).max(sizes.listValues).nullable().meta({
    description: 'values of `source` that an event of this account may have; null: any',
  }),
  keys: z
    .array(eventKeySchema)
    .max(20, 'must be at most 20 keys')
    .refine(
      (keys) => new Set(keys.map(({ kid }) => kid)).size === keys.length,
      'must have another `kid` each',
    )
    .meta({
      description:
        'public keys (RFC 7517) by which the account signs events; one that is not in the list any more is revoked',
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

/** A detached JWS (RFC 7515, appendix F): a header, nothing, and the value of the signature. */
const eventSignatureSchema = z
  .string()
  .max(1_024)
  .regex(/^[A-Za-z0-9_-]+\.\.[A-Za-z0-9_-]+$/);

/** What a signed event has beside what every event has. */
export const signedEventFields = {
  time: z.iso.datetime({ offset: true }).optional().meta({
    description: 'when it was made; a signed event has to say, and is taken for 6 days',
  }),
  signature: eventSignatureSchema.optional().meta({
    description:
      'a detached JWS over the event without this attribute in its canonical form (RFC 8785), by a key that is registered for the account',
  }),
};
