import { z } from 'zod';
import { type KafkaSecurity, kafkaSecuritySchema } from './kafka-security.ts';
import { environment } from './secret.ts';
import { type SigningKeys, signingKeysSchema } from './signing-keys.ts';

const seconds = (fallback: number) => z.coerce.number().int().positive().default(fallback);

/** The part of a worker's invocation that is left for reading. */
const maxReadSeconds = 12 * 60;

/** URL parameters that would override session settings of exports. */
const sessionParameters = [
  'options',
  'application_name',
  'client_encoding',
  'statement_timeout',
  'lock_timeout',
  'query_timeout',
  'idle_in_transaction_session_timeout',
];
const setsNoSession = (url: string): boolean =>
  !URL.canParse(url) || !sessionParameters.some((name) => new URL(url).searchParams.has(name));

const sourceSettingsSchema = z.strictObject({
  /** Direct connection of a read-only role, not through a transaction pooler. */
  url: z.url({ protocol: /^postgres(ql)?$/ }).refine(setsNoSession, {
    error: `must not have the parameters ${sessionParameters.join(', ')}: StreamSync sets them`,
  }),
  /** Time columns by dataset name, for datasets whose first candidate is not the right one. */
  timeColumns: z
    .record(z.string(), z.string())
    .default({})
    .transform((columns) => new Map(Object.entries(columns))),
  /** Connections for exports at a time, over all workers. */
  maxConnections: z.int().positive().default(8),
  /** Further connections at a time, over all processes, for metadata, estimates and previews. */
  maxQuestionConnections: z.int().min(2).default(6),
  /** Connections of one export, where parallel reading makes it faster. */
  maxReadersPerExport: z.int().positive().default(2),
  /** Maximum duration of an export's transaction, during which the source cannot vacuum. */
  maxReadSeconds: z.int().positive().max(maxReadSeconds).default(maxReadSeconds),
  /** A replica with a larger lag is not read. Absent: no limit. */
  maxLagSeconds: z.int().positive().optional(),
});
type SourceSettings = z.infer<typeof sourceSettingsSchema>;

const readingsSchema = z.strictObject({
  /** The source in whose database the readings are stored, and with whose connections they are queried. */
  source: z.string(),
  /** Direct connection of the role that may write readings, to the database of that source. */
  url: z.url({ protocol: /^postgres(ql)?$/ }).refine(setsNoSession, {
    error: `must not have the parameters ${sessionParameters.join(', ')}: StreamSync sets them`,
  }),
  /** Readings that are older are deleted. Absent: they are kept. */
  retentionDays: z.int().positive().optional(),
  /** A reading that is older when it arrives is a dead letter. */
  maxAgeDays: z.int().positive().max(36_500).default(3_650),
  /** A reading that is further in the future when it arrives is a dead letter. */
  maxFutureSeconds: z.int().nonnegative().max(31_536_000).default(600),
});
export type ReadingsSettings = z.infer<typeof readingsSchema>;

const json = z.string().transform((text, context) => {
  try {
    const value: unknown = JSON.parse(text);
    return value;
  } catch {
    context.addIssue({ code: 'custom', message: 'is not JSON' });
    return z.NEVER;
  }
});

const optional = <Output>(schema: z.ZodType<Output, string>) =>
  z
    .string()
    .optional()
    .transform((text) => (text === '' ? undefined : text))
    .pipe(schema.optional());

const quota = (description: string) =>
  optional(z.string().pipe(z.coerce.number<string>().int().positive())).meta({ description });

const isLoopback = (hostname: string): boolean =>
  /^(localhost|127\.0\.0\.1|\[::1\])$/.test(hostname);

const oidcSchema = z.strictObject({
  issuer: z.url({ protocol: /^https?$/ }).refine(
    (issuer) => {
      const url = URL.parse(issuer);
      return url?.protocol !== 'http:' || isLoopback(url.hostname);
    },
    { error: 'must be https, except on this machine' },
  ),
  clientId: z.string().min(1),
  /** Absent: a public client, which PKCE alone protects. */
  clientSecret: z.string().min(1).optional(),
  /** For people: "Sign in with …". */
  name: z.string().min(1).max(100).default('OpenID Connect'),
  /** Whether a person without an account gets one, an analyst without grants. */
  createAccounts: z.boolean().default(false),
});
export type OidcSettings = z.infer<typeof oidcSchema>;

export const environmentSchema = z.object({
  STREAMSYNC_URL: z.url().meta({ description: 'the one origin users see' }),
  STREAMSYNC_CATALOGUE_URL: z.url({ protocol: /^postgres(ql)?$/ }),
  STREAMSYNC_CATALOGUE_CONNECTIONS: z.coerce.number().int().min(2).max(100).default(10).meta({
    description: 'connections of a process to the catalogue, at most',
  }),
  STREAMSYNC_SOURCES: json.pipe(
    z.record(z.string().regex(/^[a-z][a-z0-9_-]*$/), sourceSettingsSchema),
  ),
  STREAMSYNC_READINGS: optional(json.pipe(readingsSchema)).meta({
    description: 'absent: no readings',
  }),
  STREAMSYNC_PIPELINES: z
    .string()
    .default('')
    .meta({ description: 'files and directories of pipelines, comma-separated' }),
  STREAMSYNC_KAFKA_BROKERS: z
    .string()
    .min(1)
    .transform((list) => list.split(',').map((broker) => broker.trim())),
  STREAMSYNC_KAFKA_SECURITY: optional(json.pipe(kafkaSecuritySchema)).meta({
    description: 'TLS and SASL of the brokers; absent: plaintext without authentication',
  }),
  STREAMSYNC_LIVE_ENDPOINT: optional(z.url({ protocol: /^https?$/ })).meta({
    description: 'where functions send to live sockets; absent: no live sockets',
  }),
  STREAMSYNC_S3_ENDPOINT: z.url().optional().meta({ description: 'absent on AWS' }),
  STREAMSYNC_S3_BUCKET: z.string().min(3),
  STREAMSYNC_S3_KMS_KEY: optional(z.string()).meta({
    description: 'the KMS key that encrypts every object; absent: a key of S3',
  }),
  AWS_REGION: z.string().min(1).default('us-east-1'),
  STREAMSYNC_TOKEN_SECRET: z.string().min(32, 'must have at least 32 characters'),
  STREAMSYNC_DOOR_SECRET: z
    .string()
    .regex(/^[\x21-\x7e]*$/, 'must be printable ASCII without spaces')
    .min(32, 'must have at least 32 characters')
    .meta({ description: 'by which the functions recognise NGINX' }),
  STREAMSYNC_HASH_SECRET: optional(z.string().min(32, 'must have at least 32 characters')).meta({
    description: 'the key of hashes in place of values; absent: no column can be hashed',
  }),
  STREAMSYNC_SIGNING_KEYS: json.pipe(signingKeysSchema),
  STREAMSYNC_OIDC: optional(json.pipe(oidcSchema)).meta({
    description: 'absent: sign-in by password only',
  }),
  STREAMSYNC_SESSION_TTL_SECONDS: seconds(8 * 3600),
  STREAMSYNC_WORKER_TIMEOUT_SECONDS: seconds(14 * 60),
  STREAMSYNC_TRANSFER_GRACE_SECONDS: z.coerce.number().int().min(1).max(86_400).default(3600),
  STREAMSYNC_MAX_RUNNING_EXPORTS_PER_ACCOUNT: z.coerce.number().int().positive().default(4),
  STREAMSYNC_MAX_WAITING_EXPORTS_PER_ACCOUNT: z.coerce.number().int().positive().default(100),
  STREAMSYNC_QUOTA_RUNNING_EXPORTS: quota('unfinished exports of an account; absent: no quota'),
  STREAMSYNC_QUOTA_ROWS_PER_DAY: quota('rows of an account in a day; absent: no quota'),
  STREAMSYNC_QUOTA_BYTES_PER_DAY: quota('bytes of an account in a day; absent: no quota'),
  STREAMSYNC_AUDIT_RETENTION_DAYS: z.coerce.number().int().min(1).max(36_500).default(400),
  STREAMSYNC_LOG_LEVEL: z.enum(['DEBUG', 'INFO', 'WARN', 'ERROR']).default('INFO'),
  // Read by lib/runtime/tracing.ts.
  OTEL_EXPORTER_OTLP_ENDPOINT: optional(z.url({ protocol: /^https?$/ })),
  OTEL_TRACES_SAMPLER_ARG: optional(z.string().pipe(z.coerce.number<string>().min(0).max(1))).meta({
    description: 'share of the requests that are traced; absent: all',
  }),
});

export interface Config {
  url: string;
  catalogueUrl: string;
  /** Connections of this process to the catalogue, at most. */
  catalogueConnections: number;
  sources: ReadonlyMap<string, SourceSettings>;
  /** Absent: this deployment stores no readings. */
  readings: ReadingsSettings | undefined;
  /** Files and directories of pipelines, comma-separated. */
  pipelines: string;
  brokers: string[];
  /** Where functions send to live sockets. Absent: this deployment has none. */
  liveEndpoint: string | undefined;
  s3: {
    endpoint: string | undefined;
    bucket: string;
    region: string;
    /** Absent: objects are encrypted with a key of S3. */
    kmsKeyId: string | undefined;
  };
  tokenSecret: string;
  /** The secret that NGINX sends with every request. */
  doorSecret: string;
  /** The key of the hashes that grants put in place of values. Absent: no grant can hash a column. */
  hashSecret: string | undefined;
  signingKeys: SigningKeys;
  /** Absent: sign-in by password only. */
  oidc: OidcSettings | undefined;
  sessionTtlSeconds: number;
  workerTimeoutSeconds: number;
  /** How long a transfer that began before its export expired may go on. */
  transferGraceSeconds: number;
  maxRunningExportsPerAccount: number;
  maxWaitingExportsPerAccount: number;
  /** Quotas of accounts that have none of their own. Absent: no quota. */
  quotas: {
    runningExports: number | undefined;
    rowsPerDay: number | undefined;
    bytesPerDay: number | undefined;
  };
  auditRetentionDays: number;
  logLevel: 'DEBUG' | 'INFO' | 'WARN' | 'ERROR';
}

function parseVariables<S extends z.ZodType>(
  schema: S,
  variables: Record<string, string | undefined>,
): z.output<S> {
  const { data, error } = schema.safeParse(variables);
  if (!error) return data;
  const lines = error.issues.map((issue) => `  ${issue.path.join('.')}: ${issue.message}`);
  throw new Error(`Configuration errors:\n${lines.join('\n')}`);
}

/** Throws an error that names every wrong variable at once. The message contains no values, because they are secrets. */
export function readConfig(variables: Record<string, string | undefined>): Config {
  const data = parseVariables(environmentSchema, variables);
  const readings = data.STREAMSYNC_READINGS;
  if (readings && !Object.hasOwn(data.STREAMSYNC_SOURCES, readings.source))
    throw new Error(
      'Configuration errors:\n  STREAMSYNC_READINGS.source: is not a source of STREAMSYNC_SOURCES',
    );
  return {
    url: data.STREAMSYNC_URL.replace(/\/$/, ''),
    catalogueUrl: data.STREAMSYNC_CATALOGUE_URL,
    catalogueConnections: data.STREAMSYNC_CATALOGUE_CONNECTIONS,
    sources: new Map(Object.entries(data.STREAMSYNC_SOURCES)),
    readings,
    pipelines: data.STREAMSYNC_PIPELINES,
    brokers: data.STREAMSYNC_KAFKA_BROKERS,
    liveEndpoint: data.STREAMSYNC_LIVE_ENDPOINT,
    s3: {
      endpoint: data.STREAMSYNC_S3_ENDPOINT,
      bucket: data.STREAMSYNC_S3_BUCKET,
      region: data.AWS_REGION,
      kmsKeyId: data.STREAMSYNC_S3_KMS_KEY,
    },
    tokenSecret: data.STREAMSYNC_TOKEN_SECRET,
    doorSecret: data.STREAMSYNC_DOOR_SECRET,
    hashSecret: data.STREAMSYNC_HASH_SECRET,
    signingKeys: data.STREAMSYNC_SIGNING_KEYS,
    oidc: data.STREAMSYNC_OIDC,
    sessionTtlSeconds: data.STREAMSYNC_SESSION_TTL_SECONDS,
    workerTimeoutSeconds: data.STREAMSYNC_WORKER_TIMEOUT_SECONDS,
    transferGraceSeconds: data.STREAMSYNC_TRANSFER_GRACE_SECONDS,
    maxRunningExportsPerAccount: data.STREAMSYNC_MAX_RUNNING_EXPORTS_PER_ACCOUNT,
    maxWaitingExportsPerAccount: data.STREAMSYNC_MAX_WAITING_EXPORTS_PER_ACCOUNT,
    quotas: {
      runningExports: data.STREAMSYNC_QUOTA_RUNNING_EXPORTS,
      rowsPerDay: data.STREAMSYNC_QUOTA_ROWS_PER_DAY,
      bytesPerDay: data.STREAMSYNC_QUOTA_BYTES_PER_DAY,
    },
    auditRetentionDays: data.STREAMSYNC_AUDIT_RETENTION_DAYS,
    logLevel: data.STREAMSYNC_LOG_LEVEL,
  };
}

const kafkaSchema = environmentSchema.pick({
  STREAMSYNC_KAFKA_BROKERS: true,
  STREAMSYNC_KAFKA_SECURITY: true,
  AWS_REGION: true,
});

export interface KafkaSettings {
  brokers: string[];
  /** Absent: plaintext without authentication. */
  security: KafkaSecurity | undefined;
  region: string;
}

/**
 * Returns how this process reaches Kafka. It reads no other variables: the shipper of deliveries, next to NGINX, has none
 * of the functions' secrets. Throws an error that names the variables that are wrong.
 */
export function kafkaSettings(variables = environment()): KafkaSettings {
  const data = parseVariables(kafkaSchema, variables);
  return {
    brokers: data.STREAMSYNC_KAFKA_BROKERS,
    security: data.STREAMSYNC_KAFKA_SECURITY,
    region: data.AWS_REGION,
  };
}

let parsed: Config | undefined;

/** Returns the configuration of this process, parsed at the first call from the environment and the secret. */
export function config(): Config {
  parsed ??= readConfig(environment());
  return parsed;
}
