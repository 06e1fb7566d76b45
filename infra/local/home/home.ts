/**
 * The home of a stack: the one directory that holds its state, its logs and its secrets. `.local` in the clone, or
 * STREAMSYNC_HOME. Every home is a stack of its own.
 */
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, realpathSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { z } from 'zod';
import { replaceFile } from './files.ts';

export const REPO = resolve(import.meta.dirname, '../..');

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

/** What `npm run reset` removes; anything else in the directory is not ours. */
export const HOME_ENTRIES = [
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

/** Makes the directory. A relative STREAMSYNC_HOME is relative to the clone, as npm runs its scripts there. */
export function openHome(environment: NodeJS.ProcessEnv): Home {
  const named = environment['STREAMSYNC_HOME'];
  const wanted = resolve(REPO, named === undefined || named === '' ? '.local' : named);
  mkdirSync(wanted, { recursive: true, mode: 0o700 });
  // One directory has one name: the processes of the stack are recognised by it.
  const path = realpathSync(wanted);
  return {
    path,
    isDefault: path === join(realpathSync(REPO), '.local'),
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

/** What is not named is left out: homes of earlier versions have one reader for all sources. */
const secretsSchema = z.object({
  /** Passwords of the PostgreSQL roles: the superuser, the catalogue's owner. */
  postgres: z.string().min(1),
  streamsync: z.string().min(1),
  /** Signs sessions and tickets. */
  tokenSecret: z.string().min(43),
  /** By it NGINX and the supervisor show the functions who they are. */
  doorSecret: z.string().min(43),
});

export type Secrets = z.infer<typeof secretsSchema>;

/** Made once: the databases keep the passwords, and sessions should outlive a restart. */
export function openSecrets(home: Home): Secrets {
  const kept: unknown = existsSync(home.secretsFile)
    ? JSON.parse(readFileSync(home.secretsFile, 'utf8'))
    : {};
  const known = secretsSchema.safeParse(kept);
  if (known.success) return known.data;
  // New, or of a version that had fewer of them.
  const made = Object.keys(secretsSchema.shape).map((name) => [
    name,
    randomBytes(32).toString('base64url'),
  ]);
  const secrets = secretsSchema.parse({
    ...Object.fromEntries(made),
    ...secretsSchema.partial().parse(kept),
  });
  replaceFile(home.secretsFile, `${JSON.stringify(secrets, null, 2)}\n`);
  return secrets;
}
