import { createHash } from 'node:crypto';
import { ListMultipartUploadsCommand, ListObjectsV2Command } from '@aws-sdk/client-s3';
import { expect } from '@jest/globals';
import { z } from 'zod';
import { type ExportDocument, manifestSchema } from '../../lib/contracts/export-document.ts';
import { keySetSchema, type PublicKey } from '../../lib/contracts/key-set.ts';
import { verifyManifest } from '../../lib/proof/signature.ts';
import { asDemo, call, download, ended } from './api.ts';
import type { Topic } from './events.ts';
import { sortedLines, sourceUrl, sql, stack } from './stack.ts';
import { storageClient } from './storage.ts';
import { sweep } from './sweep.ts';
import { until } from './until.ts';

/**
 * What has to hold of an export whatever happened while it was made: judged by catalogue, manifest and
 * bytes; the storage is asked only whether it has something that the catalogue does not account for.
 */

/** Waits for its end: `ready`, with one file that is the reference, told of once, and nothing else left. */
export async function requireWhole(
  id: string,
  { reference, results, seconds = 90 }: { reference: Buffer; results: Topic; seconds?: number },
): Promise<ExportDocument> {
  const document = await ended(id, seconds);
  expect(document).toMatchObject({ status: 'ready', error: null });
  const { bytes } = await download(id);
  // Not compared by `toBe` itself: the difference of two such texts is nothing to print.
  expect(sortedLines(bytes) === sortedLines(reference)).toBe(true);
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
  await requireNothingElse(id, 1);
  await requireTold(id, results, ['accepted', 'completed']);
  return document;
}

async function publishedKeys(): Promise<PublicKey[]> {
  return (await call('GET', '/.well-known/jwks.json')).json(keySetSchema).keys;
}

/** Waits for its end: this one, without a file, told of once, and nothing left. */
export async function requireNone(
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
  await requireNothingElse(id, 0);
  await requireTold(id, results, ['accepted', status]);
  return document;
}

/** How its attempts ended, in the order in which they began. */
export async function attemptsOf(id: string): Promise<string[]> {
  const attempts = await sql<{ state: string }>(
    stack.postgres.catalogue,
    'select state from attempts where export_id = $1 order by started_at',
    [id],
  );
  return attempts.map(({ state }) => state);
}

/** No attempt, no backend at a source, no upload; of objects just so many, when the sweep has been there. */
async function requireNothingElse(id: string, objects: number): Promise<void> {
  const attempts = await sql<{ id: string; running: boolean }>(
    stack.postgres.catalogue,
    `select id, state = 'running' as running from attempts where export_id = $1`,
    [id],
  );
  expect(attempts.filter(({ running }) => running)).toEqual([]);
  const names = attempts.map((attempt) => `streamsync:${attempt.id}`);
  await until('its backends are gone', async () => {
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
    await until(`${objects} objects and no uploads are left of ${id}`, async () => {
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

/** What was told of an export, sorted: repeats of an event have its id, and are dropped. */
export function toldOf(results: Topic, id: string): string[] {
  const events = new Map(
    results.messages
      .map(({ value }): { id: string; type: string; data: { id?: string } } =>
        JSON.parse(String(value)),
      )
      .filter(({ data }) => data.id === id)
      .map((event) => [event.id, event.type.split('.')[2] ?? '']),
  );
  return [...events.values()].toSorted();
}

/** Each of these events once and no other. */
async function requireTold(id: string, results: Topic, outcomes: string[]): Promise<void> {
  await until(`${outcomes.join(', ')} are told`, async () =>
    toldOf(results, id).length >= outcomes.length ? true : undefined,
  );
  expect(toldOf(results, id)).toEqual(outcomes.toSorted());
}
