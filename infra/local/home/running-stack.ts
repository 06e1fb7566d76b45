/** The stack that runs in a home, by its stack.json: for commands that look at it from outside. */
import { existsSync, readFileSync } from 'node:fs';
import { z } from 'zod';
import { applicationEnvironment } from './environment.ts';
import { StackError } from './errors.ts';
import { type Home, openSecrets } from './home.ts';
import { processIdentity } from './lock.mjs';

const stackSchema = z.object({
  url: z.url(),
  kafka: z.object({ brokers: z.array(z.string()).nonempty() }),
  postgres: z.object({ catalogue: z.string() }),
  s3: z.object({ endpoint: z.url() }),
  pid: z.int(),
  processes: z.array(z.object({ name: z.string(), pid: z.int() })),
});
export type RunningStack = z.infer<typeof stackSchema>;

/** → undefined when none runs, or it is not ready yet. A killed supervisor leaves its stack.json behind. */
export function findRunningStack(home: Home): RunningStack | undefined {
  if (!existsSync(home.stackFile)) return undefined;
  const stack = stackSchema.parse(JSON.parse(readFileSync(home.stackFile, 'utf8')));
  return isAlive(stack.pid) ? stack : undefined;
}

export const isAlive = (pid: number): boolean => processIdentity(pid) !== undefined;

/** Makes the code of the domain look at this stack, with the rights the functions have. */
export function useStack(home: Home, { url, kafka, postgres, s3 }: RunningStack): void {
  // Not made here: new secrets would not be those the databases have.
  if (!existsSync(home.secretsFile))
    throw new StackError(`${home.secretsFile} is gone; the stack keeps its passwords there`);
  if (!existsSync(home.signingKeysFile))
    throw new StackError(`${home.signingKeysFile} is gone; a start makes it anew`);
  const portOf = (address: string): number => Number(new URL(address).port);
  Object.assign(
    process.env,
    applicationEnvironment(home, openSecrets(home), {
      url,
      postgresPort: portOf(postgres.catalogue),
      kafkaPort: portOf(`kafka://${kafka.brokers[0]}`),
      s3Port: portOf(s3.endpoint),
    }),
  );
}

/** How to start it, as it has to be typed. */
export const startCommand = ({ isDefault, path }: Home): string =>
  isDefault ? 'npm start' : `STREAMSYNC_HOME=${path} npm start`;
