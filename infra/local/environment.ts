/** The environment of the processes of a stack: what they take over from the developer's, and what the stack tells them. */
import { createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Home, Secrets } from './home.ts';
import type { OwnSources } from './own-sources.ts';
import { STACK_MARK } from './processes.ts';

export const BUCKET = 'streamsync';
export const SOURCES = ['sales', 'iot'] as const;

/**
 * What must not reach a part: the developer's AWS account and PostgreSQL defaults, what npm sets for scripts,
 * settings that belong to the Node, Python or Java of the calling shell (a debugger port, another library path; by
 * NODE_ENV a test runner would have React built for development), what the bootstrap told only the supervisor, and the
 * databases of one's own, which only the functions need to know, with their passwords.
 */
const LEFT_OUT =
  /^(AWS_|npm_|PG[A-Z]|NODE_(OPTIONS|ENV)$|PYTHON|CLASSPATH$|STREAMSYNC_(STARTED_AT|BOOTSTRAP_PID|STACK|HOME|PORT|SOURCES)$)/;

export function inheritedEnvironment(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(environment).filter(([name]) => !LEFT_OUT.test(name)));
}

/** For every long-running part. */
export function partEnvironment(home: Home): NodeJS.ProcessEnv {
  return { ...inheritedEnvironment(process.env), [STACK_MARK]: home.path, NO_COLOR: '1' };
}

export interface Addresses {
  /** Where NGINX answers: http://localhost:8080 */
  url: string;
  postgresPort: number;
  kafkaPort: number;
  s3Port: number;
  /** Where the functions find S3 instead, if not at that port: something that stands before it. */
  s3Endpoint?: string | undefined;
}

export function superuserUrl(secrets: Secrets, port: number, database: string): string {
  return databaseUrl('postgres', secrets.postgres, port, database);
}

/** URL of the role that reads this source, and nothing else. Its password leads to that of no other role. */
export function readerUrl(secrets: Secrets, port: number, source: string): string {
  const role = `streamsync_reader_${source}`;
  const password = createHmac('sha256', secrets.postgres).update(role).digest('base64url');
  return databaseUrl(role, password, port, source);
}

/** What the set-up and the functions are told: the same variables a deployment sets. */
export function applicationEnvironment(
  home: Home,
  secrets: Secrets,
  addresses: Addresses,
  ownSources: OwnSources = {},
): Record<string, string> {
  const { postgresPort } = addresses;
  const sources = Object.fromEntries(
    SOURCES.map((name) => [name, { url: readerUrl(secrets, postgresPort, name) }]),
  );
  return {
    STREAMSYNC_HOME: home.path,
    STREAMSYNC_URL: addresses.url,
    STREAMSYNC_CATALOGUE_URL: databaseUrl(
      'streamsync',
      secrets.streamsync,
      postgresPort,
      'streamsync',
    ),
    STREAMSYNC_SOURCES: JSON.stringify({ ...ownSources, ...sources }),
    STREAMSYNC_KAFKA_BROKERS: `127.0.0.1:${addresses.kafkaPort}`,
    STREAMSYNC_S3_ENDPOINT: addresses.s3Endpoint || `http://127.0.0.1:${addresses.s3Port}`,
    STREAMSYNC_S3_BUCKET: BUCKET,
    STREAMSYNC_TOKEN_SECRET: secrets.tokenSecret,
    STREAMSYNC_DOOR_SECRET: secrets.doorSecret,
    STREAMSYNC_SIGNING_KEYS: readFileSync(home.signingKeysFile, 'utf8'),
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: 'test',
    AWS_SECRET_ACCESS_KEY: 'test',
    // The profile files in the developer's home directory hold settings too.
    AWS_CONFIG_FILE: '/dev/null',
    AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
  };
}

function databaseUrl(user: string, password: string, port: number, database: string): string {
  return `postgres://${user}:${encodeURIComponent(password)}@127.0.0.1:${port}/${database}`;
}
