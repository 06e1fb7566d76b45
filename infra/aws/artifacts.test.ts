import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { type Artifact, makeArtifacts } from './artifacts.ts';
import { handlersOf } from './functions.ts';
import { unzip } from './testing/unzip.ts';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'streamsync-artifacts-'));
  write('lib/runtime/secret.ts', 'export const loadSecret = async () => undefined;');
});
afterEach(() => rmSync(root, { recursive: true }));

function write(path: string, text: string): void {
  mkdirSync(join(root, dirname(path)), { recursive: true });
  writeFileSync(join(root, path), text);
}

const make = (pipelines = '', databaseCa = ''): Promise<Artifact[]> =>
  makeArtifacts(
    { ask: 'handlers/ask.handler' },
    { root, directory: join(root, 'dist'), pipelines, databaseCa },
  );

describe('makeArtifacts', () => {
  test('packs a worker thread next to the module that starts it', async () => {
    write('handlers/ask.ts', "export { start as handler } from '../lib/start.ts';");
    write(
      'lib/start.ts',
      "export const start = () => new Worker(new URL('./count-thread.ts', import.meta.url));",
    );
    write('lib/count-thread.ts', 'console.log(1 as number);');
    const [artifact] = await make();
    const files = await unzip(artifact?.path ?? '');
    expect([...files.keys()]).toEqual(['handlers/ask.mjs', 'handlers/count-thread.mjs']);
    expect(files.get('handlers/ask.mjs')?.toString()).toContain('./count-thread.mjs');
  });

  test('waits for the secret before a function is there', async () => {
    write(
      'lib/runtime/secret.ts',
      "export const loadSecret = () => Promise.reject(new Error('no secret'));",
    );
    write('handlers/ask.ts', 'export const handler = () => 1;');
    const [artifact] = await make();
    const bundle = (await unzip(artifact?.path ?? '')).get('handlers/ask.mjs');
    write('ask.mjs', bundle?.toString() ?? '');
    await expect(import(join(root, 'ask.mjs'))).rejects.toThrow('no secret');
  });

  test.each([
    [
      'createRequire',
      "import { createRequire } from 'node:module';\nexport const handler = createRequire;",
    ],
    ['import.meta', 'export const handler = () => import.meta.dirname;'],
  ])('refuses a module with %s, since its bundle would not find the file', async (_, source) => {
    write('handlers/ask.ts', source);
    await expect(make()).rejects.toThrow('refers to a file that its bundle would not have');
  });

  test('refuses a function of more than 5 MB', async () => {
    write('handlers/ask.ts', `export const handler = () => '${'x'.repeat(5_000_000)}';`);
    await expect(make()).rejects.toThrow('ask: its files have 50');
  });

  test('refuses pipelines that are not in the directory of the service', async () => {
    write('handlers/ask.ts', 'export const handler = () => 1;');
    await expect(make('/etc/pipelines,../pipelines')).rejects.toThrow(
      'STREAMSYNC_PIPELINES: /etc/pipelines, ../pipelines',
    );
  });

  test('refuses a file of certificates that is absent, and one with something else', async () => {
    write('handlers/ask.ts', 'export const handler = () => 1;');
    write('no-ca.pem', '-----BEGIN CERTIFICATE-----\nYQ==\n-----END CERTIFICATE-----\n');
    await expect(make('', 'ca.pem')).rejects.toThrow(/databaseCa of the deploy file: .*ENOENT/);
    await expect(make('', 'no-ca.pem')).rejects.toThrow('has no certificates as PEM');
  });

  test('refuses a function without a handler', () => {
    expect(() => handlersOf({ ask: { events: [] } })).toThrow('handler');
  });
});
