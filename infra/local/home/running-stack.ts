/** Finds the stack that runs in a home by its stack.json, for commands outside of it. */
import { existsSync, readFileSync } from 'node:fs';
import { processIdentity } from '../../bootstrap/pid-lock.mjs';
import { applicationEnvironment } from '../environment.ts';
import { StackError } from '../errors.ts';
import { type Home, openSecrets } from './home.ts';
import { type StackFile, stackFileSchema } from './stack-file.ts';

/** Returns undefined if no stack runs or it is not ready yet. A killed supervisor leaves its stack.json. */
export function findRunningStack(home: Home): StackFile | undefined {
  if (!existsSync(home.stackFile)) return undefined;
  const stack = stackFileSchema.parse(JSON.parse(readFileSync(home.stackFile, 'utf8')));
  return isAlive(stack.pid) ? stack : undefined;
}

export const isAlive = (pid: number): boolean => processIdentity(pid) !== undefined;

/** Sets the environment for lib to use this stack with the rights of the functions. */
export function applyStackEnvironment(home: Home, { url, kafka, postgres, s3 }: StackFile): void {
  // Not created here: the databases would not have the new passwords.
  if (!existsSync(home.secretsFile))
    throw new StackError(
      `${home.secretsFile} is missing; it has the passwords of the stack. Restore it from a backup`,
    );
  if (!existsSync(home.signingKeysFile))
    throw new StackError(`${home.signingKeysFile} is missing; the next start creates it again`);
  Object.assign(
    process.env,
    applicationEnvironment(home, openSecrets(home), {
      url,
      postgres: new URL(postgres.catalogue).host,
      kafka: kafka.brokers.join(','),
      s3Endpoint: s3.endpoint,
    }),
  );
}

/** Returns the command line that starts the stack of the home. */
export function startCommand({ isDefault, path }: Home): string {
  return isDefault ? 'npm start' : `STREAMSYNC_HOME=${path} npm start`;
}
