import { parentPort } from 'node:worker_threads';
import { BufferPool } from '../../runtime/buffer-pool.ts';
import { errorMessage } from '../../runtime/errors.ts';
import { collectGarbageIfNeeded } from '../../runtime/gc-pressure.ts';
import { formatOf } from '../index.ts';
import { UnencodableRowError } from '../unencodable-row.ts';
import {
  type Job,
  maxUnreleasedOutput,
  outputChunkBytes,
  type WorkerRequest,
  type WorkerResponse,
} from './protocol.ts';

/** The worker's side of `WorkerEncoder`: runs one job after the other; input and output are messages. */
const port = parentPort;
if (!port) throw new Error('encoder-thread.ts runs only in a worker thread');

let chunks: (Uint8Array<ArrayBuffer> | 'end')[] = [];
/** Buffers sent for the current job and not released yet. */
let unreleased = 0;
let job = 0;
const pool = new BufferPool(outputChunkBytes, maxUnreleasedOutput);
/** More than one, because the encoder may wait for input and for room in the output at once. */
let waiters: (() => void)[] = [];

const post = (message: WorkerResponse, transfer: ArrayBuffer[] = []): void =>
  port.postMessage(message, transfer);

async function waitUntil(condition: () => boolean): Promise<void> {
  while (!condition()) {
    const { promise, resolve } = Promise.withResolvers<void>();
    waiters.push(resolve);
    await promise;
  }
}

async function encode({ request, columns }: Job): Promise<void> {
  const encoder = formatOf(request).encoder(columns, request.compression);
  const rows = (): number => encoder.rows ?? 0;

  async function* received(): AsyncGenerator<Buffer> {
    for (;;) {
      await waitUntil(() => chunks.length > 0);
      const chunk = chunks.shift();
      if (chunk === undefined || chunk === 'end') return;
      yield Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length);
      post({ kind: 'pull', rows: rows(), released: chunk }, [chunk.buffer]);
      collectGarbageIfNeeded();
    }
  }

  // Copied, because a chunk of an encoder may be a view of a larger buffer that the encoder reuses.
  let output = pool.acquire();
  let filled = 0;
  async function flush(): Promise<void> {
    await waitUntil(() => unreleased < maxUnreleasedOutput);
    unreleased++;
    post({ kind: 'chunk', bytes: output, length: filled }, [output.buffer]);
    output = pool.acquire();
    filled = 0;
  }
  for await (const chunk of encoder.encode(received()))
    for (let at = 0; at < chunk.length; ) {
      const length = chunk.copy(output, filled, at);
      filled += length;
      at += length;
      if (filled === output.length) await flush();
    }
  if (filled > 0) await flush();
  pool.release(output);
  post({
    kind: 'done',
    rows: rows(),
    nulled: encoder.nulled?.() ?? [],
    metadata: encoder.metadata?.() ?? [],
  });
}

function fail(error: unknown): void {
  if (error instanceof UnencodableRowError) {
    const { code, row, text } = error;
    post({ kind: 'unencodable', code, row, text });
  } else post({ kind: 'failed', message: errorMessage(error) });
}

port.on('message', (message: WorkerRequest) => {
  switch (message.kind) {
    case 'start':
      [chunks, unreleased, job] = [[], 0, message.number];
      encode(message.job).catch(fail);
      break;
    case 'chunk':
      chunks.push(message.bytes);
      break;
    case 'end':
      chunks.push('end');
      break;
    case 'release':
      if (message.number === job) unreleased--;
      pool.release(message.bytes);
      break;
    default:
      message satisfies never;
  }
  const wakes = waiters;
  waiters = [];
  for (const wake of wakes) wake();
});
