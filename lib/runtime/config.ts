import { z } from 'zod';
import { type SigningKeys, signingKeysSchema } from './signing-keys.ts';

/**
 * The one configuration: the environment, parsed once at load. Every bad variable is listed in the
 * error, so that a deployment is mended in one go.
 */
const seconds = (fallback: number) => z.coerce.number().int().positive().default(fallback);

/** What a worker's invocation leaves for reading. */
const mostReadSeconds = 12 * 60;

/** What a URL would set in place of what exports rely on. */
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
  /** Connection of a read-only role; direct, not through a transaction pooler. */
  url: z.url({ protocol: /^postgres(ql)?$/ }).refine(setsNoSession, {
    error: `must not have the parameters ${sessionParameters.join(', ')}: the session is set up by StreamSync`,
  }),
  /** Time columns by dataset name, where the first one found is not the right one. */
  timeColumns: z
    .record(z.string(), z.string())
    .default({})
    .transform((columns) => new Map(Object.entries(columns))),
  /** How many of its connections exports may use at a time, over all workers. */
  maxConnections: z.int().positive().default(8),
  /** How many more questions may use at a time, over all processes: what is in it, estimates, first rows. */
  maxQuestionConnections: z.int().min(2).default(6),
  /** How many of them one export may use, where reading side by side makes it faster. */
  readers: z.int().positive().default(2),
  /** An export's transaction is open at most this long: while it is, the source cannot vacuum. */
  maxReadSeconds: z.int().positive().max(mostReadSeconds).default(mostReadSeconds),
  /** A replica that is further behind is not read; absent: it may be. */
  maxLagSeconds: z.int().positive().optional(),
});
type SourceSettings = z.infer<typeof sourceSettingsSchema>;

const json = z.string().transform((text, context) => {
  try {
    const value: unknown = JSON.parse(text);
    return value;
  } catch {
    context.addIssue({ code: 'custom', message: 'is not JSON' });
    return z.NEVER;
  }
});

export const environmentSchema = z.object({
  STREAMSYNC_URL: z.url().meta({ description: 'the one origin users see' }),
  STREAMSYNC_CATALOGUE_URL: z.url({ protocol: /^postgres(ql)?$/ }),
  STREAMSYNC_SOURCES: json.pipe(
    z.record(z.string().regex(/^[a-z][a-z0-9_-]*$/), sourceSettingsSchema),
  ),
  STREAMSYNC_KAFKA_BROKERS: z
    .string()
    .min(1)
    .transform((list) => list.split(',').map((broker) => broker.trim())),
  STREAMSYNC_S3_ENDPOINT: z.url().optional().meta({ description: 'absent on AWS' }),
  STREAMSYNC_S3_BUCKET: z.string().min(3),
  AWS_REGION: z.string().min(1).default('us-east-1'),
  STREAMSYNC_TOKEN_SECRET: z.string().min(32, 'must have at least 32 characters'),
  STREAMSYNC_DOOR_SECRET: z
    .string()
    .regex(/^[\x21-\x7e]*$/, 'must be printable ASCII without spaces')
    .min(32, 'must have at least 32 characters')
    .meta({ description: 'by which the functions know NGINX' }),
  STREAMSYNC_SIGNING_KEYS: json.pipe(signingKeysSchema),
  STREAMSYNC_SESSION_SECONDS: seconds(8 * 3600),
  STREAMSYNC_WORKER_TIMEOUT_SECONDS: seconds(14 * 60),
  STREAMSYNC_RUNNING_EXPORTS_PER_ACCOUNT: z.coerce.number().int().positive().default(4),
  STREAMSYNC_WAITING_EXPORTS_PER_ACCOUNT: z.coerce.number().int().positive().default(100),
  STREAMSYNC_LOG_LEVEL: z.enum(['DEBUG', 'INFO', 'WARN', 'ERROR']).default('INFO'),
});

export interface Config {
  url: string;
  catalogueUrl: string;
  sources: ReadonlyMap<string, SourceSettings>;
  brokers: string[];
  s3: { endpoint: string | undefined; bucket: string; region: string };
  tokenSecret: string;
  /** What NGINX sends with all that it passes on. */
  doorSecret: string;
  signingKeys: SigningKeys;
  sessionSeconds: number;
  workerTimeoutSeconds: number;
  runningExportsPerAccount: number;
  waitingExportsPerAccount: number;
  logLevel: 'DEBUG' | 'INFO' | 'WARN' | 'ERROR';
}

/** Throws an error that names every bad variable. Values are never part of the message. */
export function readConfig(environment: Record<string, string | undefined>): Config {
  const read = environmentSchema.safeParse(environment);
  if (!read.success) {
    const lines = read.error.issues.map((issue) => `  ${issue.path.join('.')}: ${issue.message}`);
    throw new Error(`The configuration is not complete:\n${lines.join('\n')}`);
  }
  const it = read.data;
  return {
    url: it.STREAMSYNC_URL.replace(/\/$/, ''),
    catalogueUrl: it.STREAMSYNC_CATALOGUE_URL,
    sources: new Map(Object.entries(it.STREAMSYNC_SOURCES)),
    brokers: it.STREAMSYNC_KAFKA_BROKERS,
    s3: {
      endpoint: it.STREAMSYNC_S3_ENDPOINT,
      bucket: it.STREAMSYNC_S3_BUCKET,
      region: it.AWS_REGION,
    },
    tokenSecret: it.STREAMSYNC_TOKEN_SECRET,
    doorSecret: it.STREAMSYNC_DOOR_SECRET,
    signingKeys: it.STREAMSYNC_SIGNING_KEYS,
    sessionSeconds: it.STREAMSYNC_SESSION_SECONDS,
    workerTimeoutSeconds: it.STREAMSYNC_WORKER_TIMEOUT_SECONDS,
    runningExportsPerAccount: it.STREAMSYNC_RUNNING_EXPORTS_PER_ACCOUNT,
    waitingExportsPerAccount: it.STREAMSYNC_WAITING_EXPORTS_PER_ACCOUNT,
    logLevel: it.STREAMSYNC_LOG_LEVEL,
  };
}

let parsed: Config | undefined;

/** The configuration of this process. */
export function config(): Config {
  parsed ??= readConfig(process.env);
  return parsed;
}
