import { z } from 'zod';
import { isCertificates } from './certificates.ts';

const caSchema = z.string().refine(isCertificates, { error: 'must be certificates as PEM' });

const login = { username: z.string().min(1), password: z.string().min(1) };

/** The mechanisms by their names in Kafka. `AWS_MSK_IAM` is OAUTHBEARER with a token that AWS's signer makes. */
const saslSchema = z.discriminatedUnion('mechanism', [
  z.strictObject({ mechanism: z.literal('PLAIN'), ...login }),
  z.strictObject({ mechanism: z.literal('SCRAM-SHA-256'), ...login }),
  z.strictObject({ mechanism: z.literal('SCRAM-SHA-512'), ...login }),
  z.strictObject({ mechanism: z.literal('AWS_MSK_IAM') }),
]);

/** How the client secures its connections to the brokers. */
export const kafkaSecuritySchema = z
  .strictObject({
    /** `true` accepts certificates of the authorities that Node knows, `{ca}` those of this authority only. */
    tls: z.union([z.boolean(), z.strictObject({ ca: caSchema })]).default(true),
    sasl: saslSchema.optional(),
  })
  .refine(({ tls, sasl }) => tls !== false || sasl === undefined || isScram(sasl.mechanism), {
    path: ['tls'],
    error: 'must not be false with PLAIN or AWS_MSK_IAM: they send what authenticates the client',
  });
export type KafkaSecurity = z.output<typeof kafkaSecuritySchema>;

const isScram = (mechanism: string): boolean => mechanism.startsWith('SCRAM-');
