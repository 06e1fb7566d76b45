import { createHash } from 'node:crypto';
import { pipeline } from 'node:stream/promises';
import { compressionOf } from '../../lib/formats/compression.ts';
import { asDemo, call, createExport, download, ended } from '../support/api.ts';
import { measureSink } from './cpu.ts';
import { discardCopy, ownCpuOf } from './discard-copy.ts';
import { median } from './measure.ts';
import { cases } from './measure-export.ts';
import { dataset, maxRows } from './table.ts';

/**
 * `npm run bench -- floor`: the CPU time that an export of the table cannot do without, and that of a worker. The server
 * writes the rows in a format of COPY, a reader takes them from a socket, compresses them, and hashes the file. All else
 * that a worker does is its own. Medians of rounds that measure each part once.
 */
const chunkBytes = 256 * 1_024;

const copies = {
  csv: `copy (select * from ${dataset}) to stdout (format csv)`,
  text: `copy (select * from ${dataset}) to stdout`,
  binary: `copy (select * from ${dataset}) to stdout (format binary)`,
} as const;
type Copy = keyof typeof copies;

/** The exports with zstd, by the file without compression that zstd reads. */
const plainRequests = {
  'csv, zstd': { format: 'csv' },
  'ndjson, zstd': { format: 'ndjson' },
  'parquet, zstd': { format: 'parquet', compression: 'none' },
} as const;

/** In which format the server sends the rows of an export. */
const copyOf = (name: string): Copy =>
  name.startsWith('csv') ? 'csv' : name.startsWith('ndjson') ? 'text' : 'binary';

function* chunksOf(bytes: Buffer): Generator<Buffer> {
  for (let at = 0; at < bytes.length; at += chunkBytes) yield bytes.subarray(at, at + chunkBytes);
}

/** Exports the table and returns its file. */
async function fileOf(request: object): Promise<Buffer> {
  const { id } = await createExport({ sources: ['sales'], dataset, ...request });
  const document = await ended(id, 300);
  if (document.status !== 'ready')
    throw new Error(`${document.status}: ${document.error?.message}`);
  const { bytes } = await download(id);
  await call('DELETE', `/exports/${id}`, { headers: asDemo });
  return bytes;
}

const compress = (bytes: Buffer): Promise<number> =>
  ownCpuOf(async () => {
    const stream = compressionOf({ format: 'csv', compression: 'zstd' }).createStream?.();
    if (!stream) throw new Error('zstd has no stream');
    await pipeline(chunksOf(bytes), stream, async (compressed) => {
      for await (const _ of compressed);
    });
  });

const hash = (bytes: Buffer): Promise<number> =>
  ownCpuOf(async () => {
    const sha256 = createHash('sha256');
    for (const chunk of chunksOf(bytes)) sha256.update(chunk);
    sha256.digest();
  });

/** The samples of all rounds, by what was measured. */
class Samples {
  readonly #all = new Map<string, number[]>();

  add(name: string, seconds: number): void {
    this.#all.set(name, [...(this.#all.get(name) ?? []), seconds]);
  }

  get names(): Iterable<string> {
    return this.#all.keys();
  }

  medianOf(name: string): number {
    return median(this.#all.get(name) ?? []);
  }

  print(name: string): void {
    const all = this.#all.get(name) ?? [];
    console.log(
      `${name}: ${median(all).toFixed(2)} s of CPU (rounds ${all.map((it) => it.toFixed(2)).join(' ')})`,
    );
  }
}

export async function measureFloor(rounds: number): Promise<void> {
  const samples = new Samples();
  const plain = new Map<string, Buffer>();
  for (const [name, request] of Object.entries(plainRequests))
    plain.set(name, await fileOf(request));
  const csv = plain.get('csv, zstd') ?? Buffer.alloc(0);
  const fileBytes = new Map<string, number>();
  for (let round = 0; round < rounds; round++) {
    for (const [name, statement] of Object.entries(copies)) {
      const { server, reader } = await discardCopy(statement, maxRows);
      samples.add(`server, COPY ${name}`, server);
      samples.add(`reading COPY ${name} from the socket`, reader);
    }
    for (const [name, bytes] of plain) samples.add(`compressing ${name}`, await compress(bytes));
    samples.add('sha256 of the csv', await hash(csv));
    for (const { name, request } of cases) {
      const { cpuSeconds, bytes } = await measureSink(request);
      samples.add(`worker, ${name}`, cpuSeconds);
      fileBytes.set(name, bytes);
    }
  }
  for (const name of samples.names) samples.print(name);
  const hashSeconds = samples.medianOf('sha256 of the csv') / csv.length;
  const psql = samples.medianOf('server, COPY csv');
  for (const { name } of cases) {
    const server = samples.medianOf(`server, COPY ${copyOf(name)}`);
    const worker = samples.medianOf(`worker, ${name}`);
    const floor =
      samples.medianOf(`reading COPY ${copyOf(name)} from the socket`) +
      (plain.has(name) ? samples.medianOf(`compressing ${name}`) : 0) +
      (fileBytes.get(name) ?? Number.NaN) * hashSeconds;
    const onTwoCores = (seconds: number): string => ((server + seconds) / 2 / psql).toFixed(2);
    console.log(
      `${name}: worker ${worker.toFixed(2)} s = ${(worker / floor).toFixed(2)} × its floor of ${floor.toFixed(2)} s; ` +
        `with the server on two cores ${onTwoCores(worker)} of the time of the server for psql, floor ${onTwoCores(floor)}`,
    );
  }
}
