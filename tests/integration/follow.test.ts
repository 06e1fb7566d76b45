import { setTimeout } from 'node:timers/promises';
import { afterAll, expect, test } from '@jest/globals';
import { z } from 'zod';
import { type Manifest, manifestSchema } from '../../lib/contracts/export-document.ts';
import { acceptedReadingsSchema } from '../../lib/contracts/readings.ts';
import { asDemo, call, createExport, download, ended, monthOfOrders } from '../support/api.ts';
import { LiveClient, ownSeries } from '../support/live-client.ts';
import { sourceUrl, sql } from '../support/stack.ts';
import { waitFor } from '../support/wait-for.ts';

/** Export, then follow: file and followed readings together are what was produced, each once. */
const iot = sourceUrl('iot');
const series = ownSeries(4);

afterAll(async () => {
  for (const table of ['readings', 'readings_1m', 'readings_1h', 'series'])
    await sql(iot, `delete from ${table} where series = any($1)`, [series]);
});

interface SentReading {
  series: string;
  at: string;
  value: number;
}

/** One text for each reading, whatever form its time has. */
const textOf = ({ series: name, at, value }: SentReading): string =>
  `${name} ${new Date(at.replace(' ', 'T').replace(/\+00$/, 'Z')).toISOString()} ${value}`;

/** Sends readings of all series, one batch after the other, until it is stopped. Every fourth one is late. */
class Load {
  readonly sent: string[] = [];
  #isStopped = false;
  readonly #running = this.#run();

  async #run(): Promise<void> {
    const start = Date.now() - 3_600_000;
    for (let batch = 0; !this.#isStopped; batch++) {
      const body = series.flatMap((name, n) =>
        Array.from({ length: 10 }, (_, step): SentReading => {
          const number = batch * 10 + step;
          const lateMs = step % 4 === 3 ? 1_000_000 : 0;
          return {
            series: name,
            at: new Date(start + number * 7 - lateMs).toISOString(),
            value: number + n / 4,
          };
        }),
      );
      const answer = await call('POST', '/readings', { headers: asDemo, body });
      expect(answer.json(acceptedReadingsSchema).accepted).toBe(body.length);
      this.sent.push(...body.map(textOf));
      await setTimeout(40);
    }
  }

  /** Resolves when the load has sent this number of readings more. */
  async more(count: number): Promise<void> {
    const target = this.sent.length + count;
    while (this.sent.length < target && !this.#isStopped) await setTimeout(20);
  }

  /** Throws if a batch was not accepted. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#running;
  }
}

async function manifestOf(request: object): Promise<Manifest & { id: string }> {
  const { id } = await createExport(request);
  expect(await ended(id)).toMatchObject({ status: 'ready' });
  const manifest = await call('GET', `/exports/${id}/manifest`, { headers: asDemo });
  return { id, ...manifest.json(manifestSchema) };
}

const readingsOfSeries = {
  sources: ['iot'],
  dataset: 'readings',
  columns: ['series', 'at', 'value'],
  where: [{ column: 'series', op: 'in', value: series }],
};

/** A client that follows the series from the cursor of an export. */
class Follower {
  readonly #cursor: string | undefined;
  #client: LiveClient | undefined;

  constructor(manifest: Manifest) {
    this.#cursor = manifest.sources[0]?.cursor;
  }

  async subscribe(): Promise<LiveClient> {
    this.#client?.close();
    this.#client = await LiveClient.open();
    await this.#client.subscribe(series, this.#cursor);
    return this.#client;
  }

  /** Returns the followed readings when there are this many, or too many. */
  async readings(count: number): Promise<string[]> {
    let client = this.#client ?? (await this.subscribe());
    return waitFor(
      `${count} readings are followed`,
      async () => {
        // The machine was busy for a second, and the client was informed of it: it follows from the cursor again.
        if (client.resyncs.length > 0) client = await this.subscribe();
        if (client.readings.length < count) return undefined;
        return client.readings.map(([name, at, value]) => textOf({ series: name, at, value }));
      },
      { seconds: 60 },
    );
  }

  close(): void {
    this.#client?.close();
  }
}

const rowSchema = z.object({ series: z.string(), at: z.string(), value: z.coerce.number() });

/** Returns the readings of a file in CSV or NDJSON. None of its values needs quotes. */
function readingsOf(bytes: Buffer, format: 'csv' | 'ndjson'): string[] {
  const lines = bytes.toString().trimEnd().split('\n');
  const rows: unknown[] =
    format === 'ndjson'
      ? lines.map((line) => JSON.parse(line))
      : lines.slice(1).map((line) => {
          const [name, at, value] = line.split(',');
          return { series: name, at, value };
        });
  return rows.map((row) => textOf(rowSchema.parse(row)));
}

test('export and followed readings together are what was produced while both went on, each once', async () => {
  const load = new Load();
  const followers: Follower[] = [];
  try {
    await load.more(400);
    await waitFor('some of them are stored', async () => {
      const [stored] = await sql(iot, 'select 1 from readings where series = any($1) limit 1', [
        series,
      ]);
      return stored;
    });
    const files: string[][] = [];
    for (const format of ['csv', 'ndjson'] as const) {
      const manifest = await manifestOf({ ...readingsOfSeries, format });
      files.push(readingsOf((await download(manifest.id)).bytes, format));
      // The stream goes on between the snapshot and the subscription.
      await load.more(200);
      const follower = new Follower(manifest);
      followers.push(follower);
      await follower.subscribe();
    }
    await load.more(200);
    await load.stop();
    for (const [n, follower] of followers.entries()) {
      const exported = files[n] ?? [];
      const followed = await follower.readings(load.sent.length - exported.length);
      expect(exported.length).toBeGreaterThan(0);
      expect(followed.length).toBeGreaterThan(0);
      expect([...exported, ...followed].toSorted()).toEqual(load.sent.toSorted());
    }
  } finally {
    await load.stop();
    for (const follower of followers) follower.close();
  }
});

test('only a snapshot of the readings has a cursor', async () => {
  const range = { from: '2025-12-01T00:00:00Z', to: '2025-12-01T01:00:00Z', format: 'csv' };
  const readings = { sources: ['iot'], dataset: 'readings', ...range };
  const [snapshot, resumable, partition, other] = await Promise.all(
    [
      readings,
      { ...readings, consistency: 'resumable' },
      { ...readings, dataset: 'readings_2025_12' },
      monthOfOrders,
    ].map(manifestOf),
  );
  expect(snapshot?.sources).toMatchObject([{ name: 'iot', cursor: expect.any(String) }]);
  for (const manifest of [resumable, partition, other])
    expect(manifest?.sources[0]).not.toHaveProperty('cursor');
});
