/**
 * The home of a stack: the directory with its state, logs and secrets. `.local` in the clone, or STREAMSYNC_HOME. Each
 * home has its own stack.
 */
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, realpathSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { z } from 'zod';
import { writeFileAtomic } from './atomic-file.ts';

export const repoRoot = resolve(import.meta.dirname, '../../..');

export interface Home {
  path: string;
  isDefault: boolean;
  lock: string;
  logs: string;
  postgres: string;
  kafka: string;
  kafkaConfig: string;
  s3: string;
  nginx: string;
  functions: string;
  stackFile: string;
  secretsFile: string;
  signingKeysFile: string;
}

/** The entries that `npm run reset` removes; other entries in the directory are not StreamSync's. */
export const homeEntries = [
  'postgres',
  'postgres.new',
  'kafka',
  'kafka.new',
  'kafka.properties',
  's3',
  'nginx',
  'functions',
  'logs',
  'lock',
  'stack.json',
  'secrets.json',
  'signing-keys.json',
  'credentials.json',
] as const;

/** Creates the directory if needed. A relative STREAMSYNC_HOME is relative to the clone, where npm runs its scripts. */
export function openHome(environment: NodeJS.ProcessEnv): Home {
  const setting = environment.STREAMSYNC_HOME;
  const directory = resolve(repoRoot, setting === undefined || setting === '' ? '.local' : setting);
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  // The real path, because the processes of the stack are recognised by it.
  const path = realpathSync(directory);
  return {
    path,
    isDefault: path === join(realpathSync(repoRoot), '.local'),
    lock: join(path, 'lock'),
    logs: join(path, 'logs'),
    postgres: join(path, 'postgres'),
    kafka: join(path, 'kafka'),
    kafkaConfig: join(path, 'kafka.properties'),
    s3: join(path, 's3'),
    nginx: join(path, 'nginx'),
    functions: join(path, 'functions'),
    stackFile: join(path, 'stack.json'),
    secretsFile: join(path, 'secrets.json'),
    signingKeysFile: join(path, 'signing-keys.json'),
  };
}

/** Unknown fields are dropped: homes of earlier versions have one reader for all sources. */
const secretsSchema = z.object({
  /** Passwords of the PostgreSQL roles: the superuser, the catalogue's owner. */
  postgres: z.string().min(1),
  streamsync: z.string().min(1),
  /** Signs the cursors of live sockets. */
  tokenSecret: z.string().min(43),
  /** NGINX and the supervisor authenticate to the functions with it. */
  doorSecret: z.string().min(43),
  /** The key of the hashes that grants put in place of values. */
  hashSecret: z.string().min(43),
});

export type Secrets = z.infer<typeof secretsSchema>;

/** Created once: the databases keep the passwords, and sessions outlive a restart. */
export function openSecrets(home: Home): Secrets {
  const saved: unknown = existsSync(home.secretsFile)
    ? JSON.parse(readFileSync(home.secretsFile, 'utf8'))
    : {};
  const known = secretsSchema.safeParse(saved);
  if (known.success) return known.data;
  // The home is new, or its version had fewer secrets.
  const generated = Object.keys(secretsSchema.shape).map((name) => [
    name,
    randomBytes(32).toString('base64url'),
  ]);
  const secrets = secretsSchema.parse({
    ...Object.fromEntries(generated),
    ...secretsSchema.partial().parse(saved),
  });
  writeFileAtomic(home.secretsFile, `${JSON.stringify(secrets, null, 2)}\n`);
  return secrets;
}
