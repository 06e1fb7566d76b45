import { execFile } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { z } from 'zod';
import { type Manifest, manifestSchema } from '../../lib/contracts/export-document.ts';
import { keySetSchema } from '../../lib/contracts/key-set.ts';
import { signManifest } from '../../lib/proof/signature.ts';
import { asDemo, call, createExport, download, ended, monthOfOrders } from '../stack/api.ts';
import { home, sql, stack } from '../stack/stack.ts';

/** The command as a user runs it, on files fetched as a user fetches them. */
let directory = '';
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'streamsync-verify-'));
});
afterAll(() => rm(directory, { recursive: true }));

interface Answer {
  code: number | null;
  stdout: string;
  stderr: string;
}

const verify = (args: string[], of = home()): Promise<Answer> =>
  new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      [join('infra', 'local', 'verify.ts'), ...args],
      { env: { ...process.env, STREAMSYNC_HOME: of, INIT_CWD: directory }, timeout: 30_000 },
      (_, stdout, stderr) => resolve({ code: child.exitCode, stdout, stderr }),
    );
  });

interface Fetched {
  file: string;
  manifest: string;
  made: Manifest;
}

const save = (name: string, content: Buffer | object): Promise<void> =>
  writeFile(
    join(directory, name),
    Buffer.isBuffer(content) ? content : JSON.stringify(content, null, 2),
  );

async function fetched(request: object): Promise<Fetched> {
  const { id } = await createExport(request);
  expect(await ended(id)).toMatchObject({ status: 'ready' });
  const made = (await call('GET', `/exports/${id}/manifest`, { headers: asDemo })).json(
    manifestSchema,
  );
  const [file, manifest] = [made.file.name, `${made.file.name}.manifest.json`];
  await save(file, (await download(id)).bytes);
  await save(manifest, made);
  return { file, manifest, made };
}

const jwks = `${stack.url}/.well-known/jwks.json`;

const kinds = [
  // Units are frames of their own.
  { format: 'csv', compression: 'zstd', consistency: 'resumable' },
  {
    format: 'csv',
    compression: 'gzip',
    csv: { delimiter: ';', decimal: ',', quote: 'all', newline: 'crlf' },
  },
  { format: 'json', compression: 'gzip' },
  { format: 'ndjson', compression: 'none' },
  { format: 'xlsx', compression: 'none' },
  { format: 'parquet', compression: 'zstd' },
];

test('files of every format are what their manifests say', async () => {
  const all = await Promise.all(kinds.map((kind) => fetched({ ...monthOfOrders, ...kind })));
  for (const { file, manifest, made } of all) {
    const { code, stdout, stderr } = await verify([file, manifest]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const lines = stdout.split('\n');
    expect(lines.map((line) => line.split(/  +/).slice(0, 2).join(' '))).toEqual([
      'ok name',
      'ok size',
      'ok SHA-256',
      'ok rows',
      'ok signature',
      'The file is what its manifest says, and the manifest is as it was signed.',
      '',
    ]);
    expect(lines[2]).toContain(made.file.sha256);
    expect(lines[3]).toContain(made.file.rows.toLocaleString('en'));
    expect(lines[4]).toContain(jwks);
  }
});

describe('refused is', () => {
  let good: Fetched;
  let bytes: Buffer;
  beforeAll(async () => {
    good = await fetched({ ...monthOfOrders, compression: 'gzip' });
    bytes = await readFile(join(directory, good.file));
  });
  afterEach(() => save(good.file, bytes));

  const differing = async (manifest = good.manifest, more: string[] = []): Promise<string[]> => {
    const { code, stdout } = await verify([good.file, manifest, ...more]);
    const found = [...stdout.matchAll(/^DIFFERS +(\S+)/gm)].map(([, name = '']) => name);
    expect({ code, differs: found.length > 0 }).toEqual({ code: 1, differs: true });
    expect(stdout).toContain(`Not proved: ${found.join(', ')}.`);
    return found;
  };

  test('a file with one bit turned', async () => {
    const flipped = Buffer.from(bytes);
    const at = Math.floor(bytes.length / 2);
    flipped[at] = (flipped[at] ?? 0) ^ 1;
    await save(good.file, flipped);
    expect(await differing()).toEqual(expect.arrayContaining(['SHA-256']));
  });

  test('a file cut short', async () => {
    await save(good.file, bytes.subarray(0, -100));
    expect(await differing()).toEqual(['size', 'SHA-256', 'rows']);
  });

  test('a manifest that was edited', async () => {
    const file = { ...good.made.file, name: 'other.csv.gz', rows: good.made.file.rows - 1 };
    await save('edited.json', { ...good.made, file });
    expect(await differing('edited.json')).toEqual(['name', 'rows', 'signature']);
  });

  test('a manifest from before there were signatures, which is given all the same', async () => {
    const { exportId, signature: _, ...rest } = good.made;
    await sql(
      stack.postgres.catalogue,
      `update exports set manifest = (manifest::jsonb - 'signature')::json where id = $1`,
      [exportId],
    );
    const answer = await call('GET', `/exports/${exportId}/manifest`, { headers: asDemo });
    expect(answer.json(manifestSchema)).toEqual({ exportId, ...rest });
    await save('former.json', answer.bytes);
    expect(await differing('former.json')).toEqual(['signature']);
  });

  test('a manifest signed by a foreign key, unless that is the one to be trusted', async () => {
    const { x = '', d = '' } = generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' });
    const [ours] = (await call('GET', jwks)).json(keySetSchema).keys;
    await save('forged.json', await signManifest(good.made, { kid: ours?.kid ?? '', x, d }));
    expect(await differing('forged.json')).toEqual(['signature']);
    await save('foreign-keys.json', { keys: [{ ...ours, x }] });
    const trusting = [good.file, 'forged.json', '--keys', 'foreign-keys.json'];
    // No stack is there.
    expect(await verify(trusting, directory)).toMatchObject({ code: 0, stderr: '' });
  });
});

test.each([
  ['nothing', [], /^usage: npm run verify -- <file> <manifest>/],
  ['neither keys nor a stack to ask', ['a', 'b'], /--keys/],
])('given %s it says what it needs', async (_, args, message) => {
  const { code, stdout, stderr } = await verify(args, directory);
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  expect(stderr).toMatch(message);
});

describe('the keys of the stack', () => {
  test('are published to everybody, may be kept a while, and have no private part', async () => {
    for (const path of ['/.well-known/jwks.json', jwks]) {
      const answer = await call('GET', path);
      expect(answer.status).toBe(200);
      expect(answer.headers.get('cache-control')).toBe('public, max-age=300');
      const { keys } = z
        .object({ keys: z.array(z.record(z.string(), z.string())) })
        .parse(JSON.parse(answer.bytes.toString()));
      expect(keys.length).toBeGreaterThan(0);
      for (const key of keys)
        expect(Object.keys(key).toSorted()).toEqual(['alg', 'crv', 'kid', 'kty', 'use', 'x']);
    }
  });

  test('are kept for their owner alone, and are in no log', async () => {
    const path = join(home(), 'signing-keys.json');
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    const { keys } = z
      .object({ keys: z.array(z.object({ d: z.string().length(43) })) })
      .parse(JSON.parse(await readFile(path, 'utf8')));
    for (const part of ['functions', 'nginx', 'postgres', 'kafka', 'localstack'])
      for (const { d } of keys) {
        const log = await readFile(join(home(), 'logs', `${part}.log`), 'utf8').catch(() => '');
        expect(log.includes(d)).toBe(false);
      }
  });
});
