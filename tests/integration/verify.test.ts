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
import { type AgeKey, newAgeKey } from '../support/age.ts';
import { asDemo, call, createExport, download, ended, monthOfOrders } from '../support/api.ts';
import { home, sql, stack } from '../support/stack.ts';

/** Runs the command as a user does, on files that were downloaded as a user does. */
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
      [join('infra', 'cli', 'verify.ts'), ...args],
      { env: { ...process.env, STREAMSYNC_HOME: of, INIT_CWD: directory }, timeout: 30_000 },
      (_, stdout, stderr) => resolve({ code: child.exitCode, stdout, stderr }),
    );
  });

interface Fetched {
  file: string;
  manifest: string;
  signedManifest: Manifest;
}

const save = (name: string, content: Buffer | object): Promise<void> =>
  writeFile(
    join(directory, name),
    Buffer.isBuffer(content) ? content : JSON.stringify(content, null, 2),
  );

async function fetched(request: object): Promise<Fetched> {
  const { id } = await createExport(request);
  expect(await ended(id)).toMatchObject({ status: 'ready' });
  const signedManifest = (await call('GET', `/exports/${id}/manifest`, { headers: asDemo })).json(
    manifestSchema,
  );
  const [file, manifest] = [signedManifest.file.name, `${signedManifest.file.name}.manifest.json`];
  await save(file, (await download(id)).bytes);
  await save(manifest, signedManifest);
  return { file, manifest, signedManifest };
}

const jwks = `${stack.url}/.well-known/jwks.json`;

const kinds = [
  // Each unit has a zstd frame of its own.
  { format: 'csv', compression: 'zstd', consistency: 'resumable' },
  {
    format: 'csv',
    compression: 'gzip',
    csv: { delimiter: ';', decimal: ',', quote: 'all', newline: 'crlf' },
  },
  { format: 'json', compression: 'gzip' },
  // Its manifest has a cursor of the stream.
  {
    sources: ['iot'],
    dataset: 'readings',
    from: '2025-12-01T00:00:00Z',
    to: '2025-12-02T00:00:00Z',
    format: 'json',
  },
  { format: 'ndjson', compression: 'none' },
  { format: 'xlsx', compression: 'none' },
  { format: 'parquet', compression: 'zstd' },
];

test('npm run verify accepts files of every format', async () => {
  const all = await Promise.all(kinds.map((kind) => fetched({ ...monthOfOrders, ...kind })));
  expect(all.filter(({ signedManifest }) => signedManifest.sources[0]?.cursor)).toHaveLength(1);
  for (const { file, manifest, signedManifest } of all) {
    const { code, stdout, stderr } = await verify([file, manifest]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const lines = stdout.split('\n');
    expect(lines.map((line) => line.split(/  +/).slice(0, 2).join(' '))).toEqual([
      'ok name',
      'ok size',
      'ok SHA-256',
      'ok rows',
      'ok signature',
      'Verified: the file matches its manifest, and the signature of the manifest is correct.',
      '',
    ]);
    expect(lines[2]).toContain(signedManifest.file.sha256);
    expect(lines[3]).toContain(signedManifest.file.rows.toLocaleString('en'));
    expect(lines[4]).toContain(jwks);
  }
});

describe('encrypted files', () => {
  let key: AgeKey;
  let other: AgeKey;
  let all: [Fetched, ...Fetched[]];
  beforeAll(async () => {
    [key, other] = await Promise.all([newAgeKey(), newAgeKey()]);
    await save('key.txt', Buffer.from(`# created: today\n# public key\n${key.identity}\n`));
    await save('other.txt', Buffer.from(other.identity));
    await save('public-key.txt', Buffer.from(key.recipient));
    const encryption = { recipients: [key.recipient] };
    const encrypted = (kind: object) => fetched({ ...monthOfOrders, ...kind, encryption });
    all = await Promise.all([
      encrypted({ format: 'csv', compression: 'zstd' }),
      encrypted({ format: 'xlsx', compression: 'none' }),
      encrypted({ format: 'parquet', compression: 'zstd' }),
    ]);
  });

  test('npm run verify checks an encrypted file by its bytes, and says that its contents are encrypted', async () => {
    const [{ file, manifest, signedManifest }] = all;
    const { code, stdout } = await verify([file, manifest]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^ok {6} +SHA-256 /m);
    expect(stdout).toContain(signedManifest.file.sha256);
    expect(stdout).toMatch(/^skipped +rows +the contents are encrypted; --identity/m);
    expect(stdout).toContain(
      'the signature of the manifest is correct. Its contents are encrypted and were not read.',
    );
  });

  test('npm run verify counts the rows of an encrypted file with an identity', async () => {
    await Promise.all(
      all.map(async ({ file, manifest, signedManifest }) => {
        const { code, stdout } = await verify([file, manifest, '--identity', 'key.txt']);
        expect({ code, skipped: stdout.includes('skipped') }).toEqual({ code: 0, skipped: false });
        const rows = signedManifest.file.rows.toLocaleString('en');
        expect(stdout).toMatch(new RegExp(`^ok +rows +${rows}`, 'm'));
      }),
    );
  });

  test('npm run verify rejects an encrypted file that was cut or changed, with and without an identity', async () => {
    const [{ file, manifest }] = all;
    const bytes = await readFile(join(directory, file));
    const flipped = Buffer.from(bytes);
    flipped[bytes.length - 30] = (flipped[bytes.length - 30] ?? 0) ^ 1;
    const differing = async (wrong: Buffer, ...more: string[]): Promise<string> => {
      await save(file, wrong);
      const { code, stdout } = await verify([file, manifest, ...more]);
      expect(code).toBe(1);
      expect(stdout).toMatch(/^DIFFERS +SHA-256/m);
      return /^DIFFERS +rows .*$/m.exec(stdout)?.[0] ?? '';
    };
    expect(await differing(flipped)).toBe('');
    const withIdentity = ['--identity', 'key.txt'];
    expect(await differing(flipped, ...withIdentity)).toMatch(/its chunk \d+ of \d+ was changed/);
    expect(await differing(bytes.subarray(0, 50), ...withIdentity)).toContain('no header of age');
    await save(file, bytes);
  });

  test.each([
    ['other.txt', /is encrypted for none of the identities in .*other\.txt/],
    ['public-key.txt', /Line 1 of .*public-key\.txt is not an identity/],
  ])('npm run verify with %s as its identity says what is wrong', async (identity, message) => {
    const [{ file, manifest }] = all;
    const { code, stderr } = await verify([file, manifest, '--identity', identity]);
    expect(code).toBe(2);
    expect(stderr).toMatch(message);
    expect(stderr).not.toContain(other.identity);
  });
});

describe('rejected files', () => {
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
    expect(stdout).toContain(`Verification failed: ${found.join(', ')}.`);
    return found;
  };

  test('npm run verify rejects a file with one flipped bit', async () => {
    const flipped = Buffer.from(bytes);
    const at = Math.floor(bytes.length / 2);
    flipped[at] = (flipped[at] ?? 0) ^ 1;
    await save(good.file, flipped);
    expect(await differing()).toEqual(expect.arrayContaining(['SHA-256']));
  });

  test('npm run verify rejects a truncated file', async () => {
    await save(good.file, bytes.subarray(0, -100));
    expect(await differing()).toEqual(['size', 'SHA-256', 'rows']);
  });

  test('npm run verify rejects an edited manifest', async () => {
    const file = {
      ...good.signedManifest.file,
      name: 'other.csv.gz',
      rows: good.signedManifest.file.rows - 1,
    };
    await save('edited.json', { ...good.signedManifest, file });
    expect(await differing('edited.json')).toEqual(['name', 'rows', 'signature']);
  });

  test('npm run verify rejects an old manifest without signature, which the API still serves', async () => {
    const { exportId, signature: _, ...rest } = good.signedManifest;
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

  test('npm run verify rejects a manifest signed by another key, unless that key is trusted', async () => {
    const { x = '', d = '' } = generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' });
    const [ours] = (await call('GET', jwks)).json(keySetSchema).keys;
    await save(
      'forged.json',
      await signManifest(good.signedManifest, { kid: ours?.kid ?? '', x, d }),
    );
    expect(await differing('forged.json')).toEqual(['signature']);
    await save('foreign-keys.json', { keys: [{ ...ours, x }] });
    const trusting = [good.file, 'forged.json', '--keys', 'foreign-keys.json'];
    // This directory has no stack.
    expect(await verify(trusting, directory)).toMatchObject({ code: 0, stderr: '' });
  });
});

test.each([
  ['no arguments', [], /^usage: npm run verify -- <file> <manifest>/],
  ['neither keys nor a stack', ['a', 'b'], /--keys/],
])('npm run verify with %s says what it needs', async (_, args, message) => {
  const { code, stdout, stderr } = await verify(args, directory);
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  expect(stderr).toMatch(message);
});

describe('keys of the stack', () => {
  test('the key set is public, cacheable, and without private keys', async () => {
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

  test('the signing keys are readable only by their owner, and in no log', async () => {
    const path = join(home(), 'signing-keys.json');
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    const { keys } = z
      .object({ keys: z.array(z.object({ d: z.string().length(43) })) })
      .parse(JSON.parse(await readFile(path, 'utf8')));
    for (const service of ['functions', 'nginx', 'postgres', 'kafka', 'localstack'])
      for (const { d } of keys) {
        const log = await readFile(join(home(), 'logs', `${service}.log`), 'utf8').catch(() => '');
        expect(log.includes(d)).toBe(false);
      }
  });
});
