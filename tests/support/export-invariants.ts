import { createHash } from 'node:crypto';
import { ListMultipartUploadsCommand, ListObjectsV2Command } from '@aws-sdk/client-s3';
import { expect } from '@jest/globals';
import { z } from 'zod';
import { type ExportDocument, manifestSchema } from '../../lib/contracts/export-document.ts';
import { keySetSchema, type PublicKey } from '../../lib/contracts/key-set.ts';
import { verifyManifest } from '../../lib/proof/signature.ts';
import { asDemo, call, createExport, download, ended } from './api.ts';
import type { Topic } from './events.ts';
import { sortedLines, sourceUrl, sql, stack } from './stack.ts';
import { storageClient } from './storage.ts';
import { sweep } from './sweep.ts';
import { waitFor } from './wait-for.ts';

/** Creates an export, asserts that it becomes ready, and returns the bytes of its file. */
export async function exportFile(request: object): Promise<Buffer> {
  const { id } = await createExport(request);
  expect(await ended(id)).toMatchObject({ status: 'ready', error: null });
  return (await download(id)).bytes;
}

/**
 * Asserts what holds for every export, whatever failed during it, by the catalogue, the manifest and the bytes. The
 * storage is asked only for objects that the catalogue does not know.
 */

/**
 * Waits until an export ends. Asserts that it is `ready`, that its only file equals the reference, that it was
 * reported once, and that nothing else is left.
 */
export async function assertComplete(
  id: string,
  {
    reference,
    results,
    seconds = 90,
    decrypt = async (bytes) => bytes,
  }: {
    reference: Buffer;
    results: Topic;
    seconds?: number;
    /** Of an encrypted file. */
    decrypt?: (bytes: Buffer) => Promise<Buffer>;
  },
): Promise<ExportDocument> {
  const document = await ended(id, seconds);
  expect(document).toMatchObject({ status: 'ready', error: null });
  const { bytes } = await download(id);
  // `toBe` on the texts would print a huge difference.
  expect(sortedLines(await decrypt(bytes)) === sortedLines(reference)).toBe(true);
  const file = {
    name: document.file?.name,
    rows: document.file?.rows,
    bytes: bytes.length,
    sha256: createHash('sha256').update(bytes).digest('hex'),
  };
  expect(document.file).toMatchObject(file);
  const manifest = await call('GET', `/exports/${id}/manifest`, { headers: asDemo });
  expect(manifest.json(manifestSchema).file).toEqual(file);
  const signed = await verifyManifest(manifest.json(z.looseObject({})), await publishedKeys());
  expect(signed).toHaveProperty('kid');
  await assertNothingLeft(id, 1);
  await assertResultEvents(id, results, ['accepted', 'completed']);
  return document;
}

async function publishedKeys(): Promise<PublicKey[]> {
  return (await call('GET', '/.well-known/jwks.json')).json(keySetSchema).keys;
}

/** Waits until an export ends. Asserts this status, no file, one report, and that nothing is left. */
export async function assertNoFile(
  id: string,
  {
    status,
    results,
    seconds = 90,
  }: { status: 'failed' | 'cancelled'; results: Topic; seconds?: number },
): Promise<ExportDocument> {
  const document = await ended(id, seconds);
  expect(document).toMatchObject({ status, file: null });
  expect((await download(id)).problem()).toMatchObject({ status: 409, code: 'not_ready' });
  await assertNothingLeft(id, 0);
  await assertResultEvents(id, results, ['accepted', status]);
  return document;
}

/** Returns how the attempts of an export ended, in the order of their start. */
export async function attemptsOf(id: string): Promise<string[]> {
  const attempts = await sql<{ state: string }>(
    stack.postgres.catalogue,
    'select state from attempts where export_id = $1 order by started_at',
    [id],
  );
  return attempts.map(({ state }) => state);
}

/**
 * Asserts that no attempt, no backend at a source and no upload is left, and that `objects` objects are left after
 * the sweep.
 */
async function assertNothingLeft(id: string, objects: number): Promise<void> {
  const attempts = await sql<{ id: string; running: boolean }>(
    stack.postgres.catalogue,
    `select id, state = 'running' as running from attempts where export_id = $1`,
    [id],
  );
  expect(attempts.filter(({ running }) => running)).toEqual([]);
  const names = attempts.map((attempt) => `streamsync:${attempt.id}`);
  await waitFor('its backends are gone', async () => {
    const left = await sql(
      sourceUrl('sales'),
      'select 1 from pg_stat_activity where application_name = any($1)',
      [names],
    );
    return left.length === 0 ? true : undefined;
  });
  const s3 = storageClient();
  const owned = { Bucket: stack.s3.bucket, Prefix: 'exports/' };
  const count = (found: { Key?: string | undefined }[]): number =>
    found.filter(({ Key }) => Key?.includes(id)).length;
  try {
    await waitFor(`${objects} objects and no uploads are left of ${id}`, async () => {
      const { Uploads = [] } = await s3.send(new ListMultipartUploadsCommand(owned));
      const { Contents = [] } = await s3.send(new ListObjectsV2Command(owned));
      if (count(Uploads) === 0 && count(Contents) === objects) return true;
      await sweep();
      return undefined;
    });
  } finally {
    s3.destroy();
  }
}

/**
 * Returns the types of the result events of an export, sorted, without `downloaded`: it follows a download a moment
 * later. Repeats of an event have the same id and are dropped.
 */
export function resultEventsOf(results: Topic, id: string): string[] {
  const events = new Map(
    results.messages
      .map(({ value }): { id: string; type: string; data: { id?: string } } =>
        JSON.parse(String(value)),
      )
      .filter(({ data }) => data.id === id)
      .map((event) => [event.id, event.type.split('.')[2] ?? '']),
  );
  return [...events.values()].filter((type) => type !== 'downloaded').toSorted();
}

/** Waits until the result events are these, each once. */
async function assertResultEvents(id: string, results: Topic, outcomes: string[]): Promise<void> {
  await waitFor(`${outcomes.join(', ')} are reported`, async () =>
    resultEventsOf(results, id).length >= outcomes.length ? true : undefined,
  );
  expect(resultEventsOf(results, id)).toEqual(outcomes.toSorted());
}
