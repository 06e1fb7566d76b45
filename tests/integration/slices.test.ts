import { request as httpRequest, type IncomingMessage } from 'node:http';
import { DeleteObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { describe, expect, test } from '@jest/globals';
import {
  asDemo,
  call,
  createExport,
  download,
  ended,
  monthOfOrders,
  ticketFor,
} from '../stack/api.ts';
import { sql, stack } from '../stack/stack.ts';
import { storageClient } from '../stack/storage.ts';

const catalogue = stack.postgres.catalogue;
const demoId = `(select id from accounts where email like 'demo@%')`;

/** An export of several slices of the cache. */
const manySlices = { sources: ['sales'], dataset: 'order_items', format: 'csv' };
const ready = async (request: object): Promise<string> => {
  const { id } = await createExport(request);
  expect((await ended(id)).status).toBe('ready');
  return id;
};

describe('an object that is not the one that was exported is not delivered', () => {
  const keyOf = async (id: string): Promise<string> => {
    const [row] = await sql<{ object_key: string }>(
      catalogue,
      'select object_key from exports where id = $1 and object_etag is not null',
      [id],
    );
    if (!row) throw new Error('the export has no object, or no ETag of it');
    return row.object_key;
  };
  const replace = async (id: string, bytes: number) =>
    storageClient().send(
      new PutObjectCommand({
        Bucket: stack.s3.bucket,
        Key: await keyOf(id),
        Body: Buffer.alloc(bytes, 'FORGED\n'),
      }),
    );

  test('replaced before anybody fetched it', async () => {
    const id = await ready(monthOfOrders);
    const { file } = await ended(id);
    await replace(id, file?.bytes ?? 0);
    const answer = await call('GET', await ticketFor(id));
    expect(answer.problem()).toMatchObject({ status: 410, code: 'file_changed' });
    const page = await call('GET', await ticketFor(id), { headers: { accept: 'text/html' } });
    expect(page.status).toBe(410);
    expect(page.bytes.toString()).toContain('The file is not the one that was exported');
    expect(page.bytes.toString()).not.toMatch(/FORGED|exports\/[0-9a-f]{8}-/);
  });

  test('replaced while a part of it is in the cache', async () => {
    const id = await ready(manySlices);
    const { file } = await ended(id);
    const ranged = await call('GET', await ticketFor(id), { headers: { range: 'bytes=0-99' } });
    expect(ranged.status).toBe(206);
    await replace(id, file?.bytes ?? 0);
    // The first slice is the true one; where the second should begin, the transfer breaks off.
    const answer = await slowly(await ticketFor(id), async () => undefined);
    expect(answer.whole).toBe(false);
    expect(answer.bytes.includes('FORGED')).toBe(false);
    expect(answer.bytes.length).toBeLessThanOrEqual(4 * 2 ** 20);
  });

  test('deleted', async () => {
    const id = await ready(monthOfOrders);
    await storageClient().send(
      new DeleteObjectCommand({ Bucket: stack.s3.bucket, Key: await keyOf(id) }),
    );
    const answer = await call('GET', await ticketFor(id));
    expect(answer.problem()).toMatchObject({ status: 410, code: 'expired' });
    expect(answer.bytes.toString()).not.toContain('exports/');
  });
});

test('a right that is withdrawn ends a transfer under way', async () => {
  const id = await ready(manySlices);
  const { file } = await ended(id);
  const grant = `where source = 'sales' and account_id = ${demoId}`;
  try {
    const answer = await slowly(await ticketFor(id), async () => {
      await sql(catalogue, `delete from grants ${grant}`);
    });
    expect(answer.whole).toBe(false);
    expect(answer.bytes.length).toBeLessThan(file?.bytes ?? 0);
  } finally {
    await sql(catalogue, `insert into grants values (${demoId}, 'sales') on conflict do nothing`);
  }
  expect((await download(id)).bytes.length).toBe(file?.bytes);
});

/** Takes the head of an answer, then does something, then takes the rest; `whole` if all of it came. */
async function slowly(url: string, meanwhile: () => Promise<void>) {
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const request = httpRequest(url, { headers: asDemo, timeout: 60_000 }, resolve);
    request.once('error', reject).end();
  });
  expect(response.statusCode).toBe(200);
  await meanwhile();
  const parts: Buffer[] = [];
  try {
    for await (const part of response) parts.push(part);
  } catch {
    // Broken off: `complete` says so.
  }
  return { whole: response.complete, bytes: Buffer.concat(parts) };
}
