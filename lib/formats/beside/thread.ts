import { parentPort } from 'node:worker_threads';
import { messageOf } from '../../runtime/errors.ts';
import { boundGarbage } from '../../runtime/garbage.ts';
import { SpareBuffers } from '../../runtime/spare-buffers.ts';
import { formatOf } from '../index.ts';
import { UnfitRow } from '../unfit-row.ts';
import { type FromThread, type Job, mostUntaken, type ToThread, untakenBytes } from './messages.ts';

/** The thread's side of `EncoderBeside`: one job after the other, each fed and emptied by messages. */
const port = parentPort;
if (!port) throw new Error('this is the code of a thread');

let pieces: (Uint8Array<ArrayBuffer> | 'end')[] = [];
/** Buffers that it gave for its job, and has not got back. */
let untaken = 0;
let job = 0;
const spare = new SpareBuffers(untakenBytes, mostUntaken);
/** The encoder may wait for pieces and for room at once. */
let waiters: (() => void)[] = [];

const tell = (message: FromThread, transfer: ArrayBuffer[] = []): void =>
  port.postMessage(message, transfer);

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) {
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
      await until(() => pieces.length > 0);
      const piece = pieces.shift();
      if (piece === undefined || piece === 'end') return;
      yield Buffer.from(piece.buffer, piece.byteOffset, piece.length);
      tell({ kind: 'want', rows: rows(), taken: piece }, [piece.buffer]);
      boundGarbage();
    }
  }

  // Copied: what an encoder gives may be a part of a larger buffer, which it uses again.
  let made = spare.take();
  let filled = 0;
  async function give(): Promise<void> {
    await until(() => untaken < mostUntaken);
    untaken++;
    tell({ kind: 'piece', bytes: made, length: filled }, [made.buffer]);
    made = spare.take();
    filled = 0;
  }
  for await (const piece of encoder.encode(received()))
    for (let at = 0; at < piece.length; ) {
      const copied = piece.copy(made, filled, at);
      filled += copied;
      at += copied;
      if (filled === made.length) await give();
    }
  if (filled > 0) await give();
  spare.give(made);
  tell({
    kind: 'done',
    rows: rows(),
    nulled: encoder.nulled?.() ?? [],
    fragment: encoder.fragment?.() ?? [],
  });
}

function fail(error: unknown): void {
  if (error instanceof UnfitRow) {
    const { code, row, said } = error;
    tell({ kind: 'unfit', code, row, said });
  } else tell({ kind: 'failed', message: messageOf(error) });
}

port.on('message', (message: ToThread) => {
  switch (message.kind) {
    case 'begin':
      [pieces, untaken, job] = [[], 0, message.number];
      encode(message.job).catch(fail);
      break;
    case 'piece':
      pieces.push(message.bytes);
      break;
    case 'end':
      pieces.push('end');
      break;
    case 'taken':
      if (message.number === job) untaken--;
      spare.give(message.bytes);
      break;
    default:
      message satisfies never;
  }
  const woken = waiters;
  waiters = [];
  for (const wake of woken) wake();
});
