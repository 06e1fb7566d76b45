/** The settings of the plugin itself: `custom.offlineKafka`. */
import { z } from 'zod';

/** Connects to brokers that need TLS: files of PEM, relative to serverless.yml. */
const tlsSchema = z.union([
  z.boolean(),
  z.strictObject({
    ca: z.string().optional(),
    cert: z.string().optional(),
    key: z.string().optional(),
  }),
]);

const saslSchema = z.strictObject({
  mechanism: z.enum(['plain', 'scram-sha-256', 'scram-sha-512']),
  username: z.string(),
  password: z.string(),
});

/** Settings by the key of a function may come from variables, as text. */
const byFunction = (values: z.ZodType<number>) => z.record(z.string(), values).default({});

export const pluginSchema = z.strictObject({
  brokers: z.string().transform((list) =>
    list
      .split(',')
      .map((broker) => broker.trim())
      .filter((broker) => broker !== ''),
  ),
  ssl: tlsSchema.default(false),
  sasl: saslSchema.optional(),
  /** Of the object storage that has the buckets of on-failure destinations. */
  s3Endpoint: z.url().optional(),
  keepWarm: byFunction(z.coerce.number().int().min(0)),
  /** The ports on which a debugger reaches the first instance of a function. */
  inspect: byFunction(z.coerce.number().int().min(1).max(65_535)),
  /** Stops the processes between their invocations, as Lambda does. */
  freeze: z.boolean().default(false),
  /** Invokes functions with a record for which no payload of AWS has room, instead of giving it up. */
  deliverLargeRecords: z.boolean().default(false),
  /** Names of variables of Serverless that functions get, although a deployment has not got them. */
  passEnvironment: z.array(z.string()).default([]),
});

export type PluginSettings = z.output<typeof pluginSchema>;
