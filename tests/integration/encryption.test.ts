import { execFile } from 'node:child_process';
import { createHash, randomUUID } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { text as textOf } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { fromBufferPromise } from 'yauzl';
import { exportRejectedSchema, exportResultSchema } from '../../lib/contracts/events.ts';
import { exportEstimateSchema, manifestSchema } from '../../lib/contracts/export-document.ts';
import {
  type AgeKey,
  decryptWithAge,
  decryptWithLibrary,
  findAge,
  newAgeKey,
} from '../support/age.ts';
import {
  asDemo,
  call,
  createExport,
  download,
  ended,
  monthOfOrders,
  ticketFor,
} from '../support/api.ts';
import { decompress } from '../support/decompress.ts';
import { consume, produce, requested, resultOf } from '../support/events.ts';
import { exportFile } from '../support/export-invariants.ts';
import { credentials, home, sourceUrl, sql } from '../support/stack.ts';

/**
 * Returns what has to be equal in two files of the same rows: an archive also has the time at which it was made, and
 * frames of zstd depend on how their content arrives.
 */
async function comparable(extension: string, bytes: Buffer): Promise<string> {
  if (extension.endsWith('.zst')) return (await decompress(bytes, 'zstd')).toString();
  if (extension !== 'xlsx') return bytes.toString('latin1');
  const zip = await fromBufferPromise(bytes);
  const entries: string[] = [];
  for await (const entry of zip.eachEntry())
    entries.push(entry.fileName, await textOf(await zip.openReadStreamPromise(entry)));
  return entries.join('\n');
}

const run = promisify(execFile);
const age = await findAge();
const [first, second, another] = await Promise.all([newAgeKey(), newAgeKey(), newAgeKey()]);
const encryption = { recipients: [first.recipient, second.recipient] };

/** A file of several chunks; `order` gives it the same bytes at every export. */
const inOrder = { ...monthOfOrders, order: 'time' };
const kinds = [
  { format: 'csv', compression: 'none', extension: 'csv' },
  { format: 'csv', compression: 'zstd', extension: 'csv.zst' },
  { format: 'parquet', compression: 'zstd', extension: 'parquet' },
  { format: 'xlsx', compression: 'none', extension: 'xlsx' },
];

describe.each(kinds)('an encrypted file, $extension', ({ extension, ...kind }) => {
  let file: Buffer;
  let plain = '';
  let id = '';
  beforeAll(async () => {
    ({ id } = await createExport({ ...inOrder, ...kind, encryption }));
    plain = await comparable(extension, await exportFile({ ...inOrder, ...kind }));
  });

  const contentOf = async (decrypted: Promise<Buffer>): Promise<string> =>
    comparable(extension, await decrypted);

  test('is an age file, whose size and SHA-256 are those of the download', async () => {
    const document = await ended(id);
    expect(document).toMatchObject({ status: 'ready', request: { encryption } });
    const answer = await call('GET', await ticketFor(id));
    file = answer.bytes;
    expect(file.subarray(0, 22).toString()).toBe('age-encryption.org/v1\n');
    const hash = createHash('sha256').update(file);
    const expected = {
      name: `orders_2024-03_${id.slice(-8)}.${extension}.age`,
      bytes: file.length,
      sha256: hash.copy().digest('hex'),
    };
    expect(document.file).toMatchObject({ ...expected, contentType: 'application/octet-stream' });
    const manifest = await call('GET', `/exports/${id}/manifest`, { headers: asDemo });
    expect(manifest.json(manifestSchema)).toMatchObject({
      file: expected,
      request: { encryption },
    });
    expect(Object.fromEntries(answer.headers)).toMatchObject({
      'content-type': 'application/octet-stream',
      'content-disposition': `attachment; filename="${expected.name}"`,
      'repr-digest': `sha-256=:${hash.digest('base64')}:`,
      etag: expect.stringMatching(/^"[^"]+"$/),
    });
  });

  test('has the same contents as the file without encryption, for each recipient and only for them', async () => {
    for (const key of [first, second])
      expect((await contentOf(decryptWithLibrary(file, key))) === plain).toBe(true);
    await expect(decryptWithLibrary(file, another)).rejects.toThrow('no identity matched');
  });

  (age === undefined ? test.skip : test)('is read by the reference implementation', async () => {
    for (const key of [first, second])
      expect((await contentOf(decryptWithAge(age ?? '', file, key))) === plain).toBe(true);
    await expect(decryptWithAge(age ?? '', file, another)).rejects.toThrow('no identity matched');
  });

  test('cannot be decrypted if it is cut or has a changed bit', async () => {
    const wrong = [file.subarray(0, -1), file.subarray(0, 40_000), changed(file, 100)];
    const readers = [
      decryptWithLibrary,
      ...(age === undefined
        ? []
        : [(bytes: Buffer, key: AgeKey) => decryptWithAge(age, bytes, key)]),
    ];
    for (const bytes of [...wrong, changed(file, file.length - 20), changed(file, 60_000)])
      for (const reader of readers) await expect(reader(bytes, first)).rejects.toThrow();
  });
});

/** Returns a copy in which one bit differs. */
function changed(file: Buffer, at: number): Buffer {
  const copy = Buffer.from(file);
  copy[at] = (copy[at] ?? 0) ^ 4;
  return copy;
}

describe('requests', () => {
  test.each([
    ['an identity', { encryption: { recipients: [first.identity] } }, 'encryption.recipients'],
    [
      'a wrong checksum',
      { encryption: { recipients: [first.recipient, `age1${'q'.repeat(58)}`] } },
      'encryption.recipients',
    ],
    ['no recipient', { encryption: { recipients: [] } }, 'encryption.recipients'],
    ['a passphrase', { encryption: { ...encryption, passphrase: 'x' } }, 'encryption.passphrase'],
    ['units', { encryption, consistency: 'resumable' }, 'consistency'],
    ['two sources', { encryption, sources: ['sales', 'iot'], order: 'any' }, 'sources'],
  ])('a request with %s is rejected with 422', async (_, more, field) => {
    for (const path of ['/exports', '/exports/estimate', '/exports/preview']) {
      const answer = await call('POST', path, { headers: asDemo, body: { ...inOrder, ...more } });
      expect(answer.problem()).toMatchObject({ status: 422, errors: [{ field }] });
      expect(answer.bytes.toString()).not.toContain(first.identity);
      if (field === 'consistency' || field === 'sources')
        expect(answer.problem().errors?.[0]?.message).toContain(
          'encryption: the file is an age file, name + .age; one unit',
        );
    }
  });

  test('the estimate and the preview are those of the file without encryption', async () => {
    const ask = async (path: string, body: object) =>
      (await call('POST', path, { headers: asDemo, body })).bytes.toString();
    const encrypted = { ...inOrder, encryption };
    expect(await ask('/exports/preview', encrypted)).toBe(await ask('/exports/preview', inOrder));
    const estimates = await Promise.all(
      [encrypted, inOrder].map((body) =>
        call('POST', '/exports/estimate', { headers: asDemo, body }),
      ),
    );
    const [with_, without] = estimates.map((answer) => answer.json(exportEstimateSchema));
    expect(with_).toEqual(without);
  });

  test('an event creates an encrypted export, or is rejected with the field', async () => {
    const results = await consume('exports.results');
    try {
      const requestedBy = credentials.demo.email;
      const good = requested({ ...inOrder, encryption, requestedBy });
      const bad = requested({ ...inOrder, encryption, consistency: 'resumable', requestedBy });
      await produce(
        'exports.requested',
        [good, bad].map((event) => ({ value: JSON.stringify(event) })),
      );
      const completed = exportResultSchema.parse(await resultOf(results, good.id, 'completed'));
      expect(completed.data).toMatchObject({ request: { encryption } });
      const { bytes } = await download(completed.data.id);
      const contents = await decryptWithLibrary(bytes, second);
      expect(contents.equals(await exportFile(inOrder))).toBe(true);
      const rejected = exportRejectedSchema.parse(await resultOf(results, bad.id, 'rejected'));
      expect(rejected.data.problem).toMatchObject({ errors: [{ field: 'consistency' }] });
    } finally {
      await results.close();
    }
  });
});

describe('plain contents', () => {
  const dataset = 'encryption_secrets';
  // Another one for each run: an earlier run may have left its files.
  const salt = randomUUID();
  beforeAll(async () => {
    await sql(
      sourceUrl('sales'),
      `create table ${dataset} as select n as id, md5('${salt}' || n) as secret
         from generate_series(1, 400000) n;
       grant select on ${dataset} to streamsync_reader_sales`,
    );
  });
  afterAll(() => sql(sourceUrl('sales'), `drop table ${dataset}`));

  /** Returns the files of the stack's home, except those of its databases, that contain a text. */
  async function filesWith(text: string): Promise<string[]> {
    const names = (await readdir(home())).filter((name) => name !== 'postgres');
    const paths = names.map((name) => join(home(), name));
    try {
      const { stdout } = await run('grep', ['-rlFas', '-e', text, '--', ...paths]);
      return stdout.trim().split('\n');
    } catch {
      return [];
    }
  }

  test('no file of the storage, the cache, Kafka or the logs has the contents of an encrypted export', async () => {
    const request = { sources: ['sales'], dataset, format: 'csv' };
    const secret = createHash('md5').update(`${salt}300000`).digest('hex');
    const encrypted = await exportFile({ ...request, encryption });
    expect((await decryptWithLibrary(encrypted, first)).includes(secret)).toBe(true);
    expect(await filesWith(secret)).toEqual([]);
    // The storage and NGINX's cache have those of an export without encryption.
    expect((await exportFile(request)).includes(secret)).toBe(true);
    expect((await filesWith(secret)).length).toBeGreaterThanOrEqual(2);
  });
});
