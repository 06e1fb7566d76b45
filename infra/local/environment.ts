/** The environment of a stack's processes: what they inherit from the developer's shell, and what the stack adds. */
import { createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Home, Secrets } from './home/home.ts';
import type { OwnSources } from './own-sources.ts';
import { stackEnvMarker } from './processes.ts';

export const bucketName = 'streamsync';
export const demoSources = ['sales', 'iot'] as const;
/** The demo source that stores readings. */
const readingsSource = 'iot';

/**
 * Variables that services must not inherit: the developer's AWS account and PostgreSQL defaults, npm's variables for
 * scripts, settings for the Node, Python or Java of the calling shell (a debugger port, another library path; with a
 * test runner's NODE_ENV React would be built for development), the bootstrap's variables for the supervisor, and the
 * user's own databases with their passwords, and the secret of the OpenID provider, which only the functions need; and
 * how the brokers of another deployment are secured.
 */
const excludedVariables =
  /^(AWS_|npm_|PG[A-Z]|NODE_(OPTIONS|ENV)$|PYTHON|CLASSPATH$|STREAMSYNC_(STARTED_AT|BOOTSTRAP_PID|STACK|HOME|PORT|SOURCES|OIDC|KAFKA_SECURITY)$)/;

export function inheritedEnvironment(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(environment).filter(([name]) => !excludedVariables.test(name)),
  );
}

/** Returns the environment of every service. */
export function serviceEnvironment(home: Home): NodeJS.ProcessEnv {
  return { ...inheritedEnvironment(process.env), [stackEnvMarker]: home.path, NO_COLOR: '1' };
}

export interface Addresses {
  /** Where NGINX answers: http://localhost:8080 */
  url: string;
  /** Host and port. */
  postgres: string;
  kafka: string;
  /** URL of S3, or of a proxy in front of it. */
  s3Endpoint: string;
  /** Where the functions send to live sockets. */
  liveEndpoint?: string | undefined;
}

export function superuserUrl(secrets: Secrets, server: string, database: string): string {
  return databaseUrl('postgres', secrets.postgres, server, database);
}

/** Returns the URL of the role that reads only this source. */
export function readerUrl(secrets: Secrets, server: string, source: string): string {
  return roleUrl(secrets, server, `streamsync_reader_${source}`, source);
}

/** Returns the URL of the role that writes readings into this source. */
function writerUrl(secrets: Secrets, server: string, source: string): string {
  return roleUrl(secrets, server, `streamsync_writer_${source}`, source);
}

/** The password of a role does not reveal that of another. */
function roleUrl(secrets: Secrets, server: string, role: string, database: string): string {
  const password = createHmac('sha256', secrets.postgres).update(role).digest('base64url');
  return databaseUrl(role, password, server, database);
}

/** Returns the variables for provisioning and for the functions, the same as in a deployment. */
export function applicationEnvironment(
  home: Home,
  secrets: Secrets,
  addresses: Addresses,
  ownSources: OwnSources = {},
): Record<string, string> {
  const { postgres } = addresses;
  const sources = Object.fromEntries(
    demoSources.map((name) => [name, { url: readerUrl(secrets, postgres, name) }]),
  );
  return {
    STREAMSYNC_HOME: home.path,
    STREAMSYNC_URL: addresses.url,
    STREAMSYNC_CATALOGUE_URL: databaseUrl('streamsync', secrets.streamsync, postgres, 'streamsync'),
    STREAMSYNC_SOURCES: JSON.stringify({ ...ownSources, ...sources }),
    STREAMSYNC_READINGS: JSON.stringify({
      source: readingsSource,
      url: writerUrl(secrets, postgres, readingsSource),
    }),
    STREAMSYNC_KAFKA_BROKERS: addresses.kafka,
    STREAMSYNC_KAFKA_SECURITY: '',
    STREAMSYNC_LIVE_ENDPOINT: addresses.liveEndpoint ?? '',
    STREAMSYNC_S3_ENDPOINT: addresses.s3Endpoint,
    STREAMSYNC_S3_BUCKET: bucketName,
    STREAMSYNC_TOKEN_SECRET: secrets.tokenSecret,
    STREAMSYNC_DOOR_SECRET: secrets.doorSecret,
    STREAMSYNC_HASH_SECRET: secrets.hashSecret,
    // An expired file is deleted soon, as its owner expects of a machine of his own.
    STREAMSYNC_TRANSFER_GRACE_SECONDS: '60',
    STREAMSYNC_SIGNING_KEYS: readFileSync(home.signingKeysFile, 'utf8'),
    STREAMSYNC_OIDC: process.env.STREAMSYNC_OIDC ?? '',
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: 'test',
    AWS_SECRET_ACCESS_KEY: 'test',
    // The developer's AWS profile files have settings, too.
    AWS_CONFIG_FILE: '/dev/null',
    AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
  };
}

function databaseUrl(user: string, password: string, server: string, database: string): string {
  return `postgres://${user}:${encodeURIComponent(password)}@${server}/${database}`;
}
