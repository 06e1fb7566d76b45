/** stack.json: where everything is and which processes there are, for tools and tests (a public contract). */
import { rmSync } from 'node:fs';
import { BUCKET, SOURCES, superuserUrl } from './environment.ts';
import { replaceFile } from './files.ts';
import type { Home, Secrets } from './home.ts';
import type { Ports } from './ports.ts';

export interface ProcessEntry {
  name: string;
  pid: number;
}

export interface StackDocument {
  url: string;
  api: string;
  live: string;
  kafka: { brokers: string[] };
  postgres: { catalogue: string; sources: Record<string, string> };
  s3: { endpoint: string; bucket: string };
  /** Lambda's own API, by which a function is invoked. */
  lambda: string;
  pid: number;
  processes: ProcessEntry[];
}

export function stackDocument(
  secrets: Secrets,
  ports: Ports,
  processes: readonly ProcessEntry[],
): StackDocument {
  const database = (name: string): string => superuserUrl(secrets, ports.postgres, name);
  const origin = `localhost:${ports.nginx}`;
  return {
    url: `http://${origin}`,
    api: `http://${origin}/api/v1`,
    live: `ws://${origin}/live`,
    kafka: { brokers: [`127.0.0.1:${ports.kafka}`] },
    postgres: {
      catalogue: database('streamsync'),
      sources: Object.fromEntries(SOURCES.map((name) => [name, database(name)])),
    },
    s3: { endpoint: `http://127.0.0.1:${ports.s3}`, bucket: BUCKET },
    lambda: `http://127.0.0.1:${ports.lambda}`,
    pid: process.pid,
    processes: [...processes],
  };
}

export function writeStackFile(home: Home, document: StackDocument): void {
  replaceFile(home.stackFile, `${JSON.stringify(document, null, 2)}\n`);
}

export function removeStackFile(home: Home): void {
  rmSync(home.stackFile, { force: true });
}
