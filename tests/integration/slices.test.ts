import { DeleteObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { describe, expect, test } from '@jest/globals';
import { call, createExport, download, ended, monthOfOrders, ticketFor } from '../support/api.ts';
import { slowDownload } from '../support/slow-download.ts';
import { sql, stack } from '../support/stack.ts';
import { storageClient } from '../support/storage.ts';

const catalogue = stack.postgres.catalogue;
const demoId = `(select id from accounts where email like 'demo@%')`;

/** An export of several slices of the cache. */
const manySlices = { sources: ['sales'], dataset: 'order_items', format: 'csv' };
const ready = async (request: object): Promise<string> => {
  const { id } = await createExport(request);
  expect((await ended(id)).status).toBe('ready');
  return id;
};

describe('changed objects', () => {
  const keyOf = async (id: string): Promise<string> => {
    const [row] = await sql<{ object_key: string }>(
      catalogue,
      'select object_key from exports where id = $1 and object_etag is not null',
      [id],
    );
    if (!row) throw new Error('the catalogue has no object key or no ETag of the export');
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

  test('an object that was replaced before its first download is not delivered', async () => {
    const id = await ready(monthOfOrders);
    const { file } = await ended(id);
    await replace(id, file?.bytes ?? 0);
    const answer = await call('GET', await ticketFor(id));
    expect(answer.problem()).toMatchObject({ status: 410, code: 'file_changed' });
    const page = await call('GET', await ticketFor(id), { headers: { accept: 'text/html' } });
    expect(page.status).toBe(410);
    expect(page.bytes.toString()).toContain('The file differs from the exported one');
    expect(page.bytes.toString()).not.toMatch(/FORGED|exports\/[0-9a-f]{8}-/);
  });

  test('an object that was replaced while a part of it is cached is not delivered', async () => {
    const id = await ready(manySlices);
    const { file } = await ended(id);
    const ranged = await call('GET', await ticketFor(id), { headers: { range: 'bytes=0-99' } });
    expect(ranged.status).toBe(206);
    await replace(id, file?.bytes ?? 0);
    // The first slice comes from the cache; the transfer breaks off where the second begins.
    const answer = await slowDownload(await ticketFor(id), async () => undefined);
    expect(answer.whole).toBe(false);
    expect(answer.bytes.includes('FORGED')).toBe(false);
    expect(answer.bytes.length).toBeLessThanOrEqual(4 * 2 ** 20);
  });

  test('a deleted object is reported as expired', async () => {
    const id = await ready(monthOfOrders);
    await storageClient().send(
      new DeleteObjectCommand({ Bucket: stack.s3.bucket, Key: await keyOf(id) }),
    );
    const answer = await call('GET', await ticketFor(id));
    expect(answer.problem()).toMatchObject({ status: 410, code: 'expired' });
    expect(answer.bytes.toString()).not.toContain('exports/');
  });
});

test('a transfer in progress ends when its grant is withdrawn', async () => {
  const id = await ready(manySlices);
  const { file } = await ended(id);
  const grant = `where source = 'sales' and account_id = ${demoId}`;
  try {
    const answer = await slowDownload(await ticketFor(id), async () => {
      await sql(catalogue, `delete from grants ${grant}`);
    });
    expect(answer.whole).toBe(false);
    expect(answer.bytes.length).toBeLessThan(file?.bytes ?? 0);
  } finally {
    await sql(catalogue, `insert into grants values (${demoId}, 'sales') on conflict do nothing`);
  }
  expect((await download(id)).bytes.length).toBe(file?.bytes);
});
