import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import {
  asDemo,
  call,
  createExport,
  ended,
  monthOfOrders,
  readExport,
  ticketFor,
} from '../support/api.ts';
import {
  cutDownload,
  deliveriesOf,
  downloadedEvents,
  recordedDeliveries,
} from '../support/deliveries.ts';
import { home, readStack, sourceUrl, sql } from '../support/stack.ts';
import { pidOf } from '../support/stack-processes.ts';
import { waitFor } from '../support/wait-for.ts';

/** A file of 66 MB, 206 MB in the long form: its halves are larger than what the kernels of both sides buffer. */
const rows = process.env.STREAMSYNC_TEST_LONG === '1' ? 200_000 : 64_000;
const large = { sources: ['sales'], dataset: 'delivery_large', format: 'csv' };

let directory = '';
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'streamsync-delivery-'));
  await sql(
    sourceUrl('sales'),
    `create or replace view delivery_large as
       select n as id, repeat(md5(n::text), 32) as text from generate_series(1, ${rows}) n`,
  );
});
afterAll(async () => {
  await sql(sourceUrl('sales'), 'drop view delivery_large');
  await rm(directory, { recursive: true });
});

/** Runs curl to its end and returns its exit code. */
const curl = (...args: string[]): Promise<number | null> =>
  new Promise((resolve, reject) => {
    const child = spawn('curl', ['-sS', '--max-time', '120', ...args], { stdio: 'ignore' });
    child.once('error', reject).once('close', resolve);
  });

const downloadedAt = (id: string) =>
  waitFor('the export is downloaded', async () => (await readExport(id)).downloadedAt ?? undefined);

test('a file is downloaded when all of it was sent, not when a transfer was cut', async () => {
  const { id } = await createExport(large);
  const { file, downloadedAt: before } = await ended(id);
  const bytes = file?.bytes ?? 0;
  expect([bytes > 60e6, before]).toEqual([true, null]);
  const url = await ticketFor(id);

  await cutDownload(url, Math.round(bytes * 0.1));
  const half = await cutDownload(url, Math.round(bytes * 0.5));
  // The same range twice: together more bytes than the file has.
  const range = { ...asDemo, range: `bytes=0-${Math.round(bytes * 0.6)}` };
  for (let n = 0; n < 2; n++) expect((await call('GET', url, { headers: range })).status).toBe(206);
  const cut = await recordedDeliveries(id, 4);
  expect(cut.map(({ complete }) => complete)).toEqual([false, false, true, true]);
  expect(cut.reduce((sum, delivery) => sum + delivery.bytes, 0)).toBeGreaterThan(bytes);
  for (const delivery of cut) expect(delivery.bytes).toBeLessThan(bytes * 0.8);
  expect((await readExport(id)).downloadedAt).toBeNull();

  const path = join(directory, 'file.csv');
  await writeFile(path, half);
  const key = `X-Api-Key: ${asDemo['x-api-key']}`;
  expect(await curl('-C', '-', '-o', path, '-H', key, url)).toBe(0);
  const sha256 = createHash('sha256').update(await readFile(path));
  expect(sha256.digest('hex')).toBe(file?.sha256);
  await downloadedAt(id);
  expect((await deliveriesOf(id)).at(-1)).toMatchObject({
    status: 206,
    first_byte: half.length,
    bytes: bytes - half.length,
    complete: true,
  });
  expect(await downloadedEvents(id)).toHaveLength(1);
});

test('kill -9 of the shipper, an absent Kafka and a rotation lose no delivery and count none twice', async () => {
  const { id } = await createExport(monthOfOrders);
  const bytes = (await ended(id)).file?.bytes ?? 0;
  const url = await ticketFor(id);
  let sent = 0;
  /** Requests the next bytes of the file, from several connections at a time. */
  const deliver = (count: number) =>
    Promise.all(
      Array.from({ length: count }, async () => {
        const range = `bytes=${sent}-${sent}`;
        sent++;
        const answer = await call('GET', url, { headers: { ...asDemo, range } });
        expect(answer.status).toBe(206);
      }),
    );
  const rotate = async () => {
    const log = join(home(), 'nginx', 'deliveries.log');
    await rename(log, `${log}.${sent}`);
    // Between the two, NGINX still writes to the renamed log.
    await deliver(5);
    process.kill(await pidOf('nginx'), 'SIGUSR1');
  };
  const restarted = (pid: number) =>
    waitFor('the shipper runs again', async () => {
      const now = (await readStack()).processes.find(({ name }) => name === 'delivery-shipper');
      return now !== undefined && now.pid !== pid ? true : undefined;
    });

  // The first use of a ticket is by one request.
  await deliver(1);
  await deliver(9);
  const shipper = await pidOf('delivery-shipper');
  process.kill(shipper, 'SIGKILL');
  await deliver(10);
  await rotate();
  await restarted(shipper);
  const broker = await pidOf('kafka');
  process.kill(broker, 'SIGSTOP');
  try {
    await deliver(10);
    await rotate();
    await deliver(10);
    const second = await pidOf('delivery-shipper');
    process.kill(second, 'SIGKILL');
    await restarted(second);
  } finally {
    process.kill(broker, 'SIGCONT');
  }
  expect(await recordedDeliveries(id, sent)).toHaveLength(sent);

  // Without its positions the shipper sends every log again.
  const third = await pidOf('delivery-shipper');
  process.kill(third, 'SIGKILL');
  await rm(join(home(), 'nginx', 'deliveries.positions.json'));
  await restarted(third);
  // The last byte of the file, which arrives after everything that was sent again.
  const last = { ...asDemo, range: `bytes=${bytes - 1}-` };
  expect((await call('GET', url, { headers: last })).status).toBe(206);
  const all = await recordedDeliveries(id, sent + 1);
  expect(all.map(({ first_byte }) => first_byte).toSorted((a, b) => a - b)).toEqual([
    ...Array.from({ length: sent }, (_, n) => n),
    bytes - 1,
  ]);
  // No sum of ranges, but their union.
  expect((await readExport(id)).downloadedAt).toBeNull();
  const rest = { ...asDemo, range: `bytes=${sent}-` };
  expect((await call('GET', url, { headers: rest })).status).toBe(206);
  await downloadedAt(id);
  expect(await downloadedEvents(id)).toHaveLength(1);
});
