/** stack.json: the addresses and processes of a stack, for tools and tests (a public contract). */
import { rmSync } from 'node:fs';
import { z } from 'zod';
import { bucketName, demoSources, superuserUrl } from '../environment.ts';
import type { Ports } from '../ports.ts';
import { writeFileAtomic } from './atomic-file.ts';
import type { Home, Secrets } from './home.ts';

const processSchema = z.object({ name: z.string(), pid: z.int() });
export type ProcessEntry = z.infer<typeof processSchema>;

export const stackFileSchema = z.object({
  url: z.url(),
  api: z.url(),
  live: z.url(),
  kafka: z.object({ brokers: z.array(z.string()).nonempty() }),
  postgres: z.object({ catalogue: z.url(), sources: z.record(z.string(), z.url()) }),
  s3: z.object({ endpoint: z.url(), bucket: z.string() }),
  /** Base URL of Lambda's API, which invokes functions. */
  lambda: z.url(),
  pid: z.int(),
  processes: z.array(processSchema),
});
export type StackFile = z.infer<typeof stackFileSchema>;

export function createStackFile(
  secrets: Secrets,
  ports: Ports,
  processes: readonly ProcessEntry[],
): StackFile {
  const database = (name: string): string =>
    superuserUrl(secrets, `127.0.0.1:${ports.postgres}`, name);
  const origin = `localhost:${ports.nginx}`;
  return {
    url: `http://${origin}`,
    api: `http://${origin}/api/v1`,
    live: `ws://${origin}/live`,
    kafka: { brokers: [`127.0.0.1:${ports.kafka}`] },
    postgres: {
      catalogue: database('streamsync'),
      sources: Object.fromEntries(demoSources.map((name) => [name, database(name)])),
    },
    s3: { endpoint: `http://127.0.0.1:${ports.s3}`, bucket: bucketName },
    lambda: `http://127.0.0.1:${ports.lambda}`,
    pid: process.pid,
    processes: [...processes],
  };
}

export function writeStackFile(home: Home, content: StackFile): void {
  writeFileAtomic(home.stackFile, `${JSON.stringify(content, null, 2)}\n`);
}

export function removeStackFile(home: Home): void {
  rmSync(home.stackFile, { force: true });
}
