import { parentPort } from 'node:worker_threads';
import { messageOf } from '../../runtime/errors.ts';
import { formatOf } from '../index.ts';
import { UnfitRow } from '../unfit-row.ts';
import { type FromThread, type Job, mostBytes, type ToThread } from './messages.ts';

/** The thread's side of `EncoderBeside`: one job after the other, each fed and emptied by messages. */
const port = parentPort;
if (!port) throw new Error('this is the code of a thread');

/** Small pieces go together in one message. */
const messageBytes = 512 * 1_024;

let pieces: (Buffer | 'end')[] = [];
let untaken = 0;
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
      yield piece;
      tell({ kind: 'want', rows: rows() });
    }
  }

  let waiting: Buffer[] = [];
  let waitingBytes = 0;
  async function give(): Promise<void> {
    if (waitingBytes === 0) return;
    // A copy: what an encoder gives may be a part of a larger buffer, which it uses again.
    const bytes = new Uint8Array(waitingBytes);
    let at = 0;
    for (const piece of waiting) {
      bytes.set(piece, at);
      at += piece.length;
    }
    [waiting, waitingBytes] = [[], 0];
    await until(() => untaken < mostBytes);
    untaken += bytes.length;
    tell({ kind: 'piece', bytes }, [bytes.buffer]);
  }

  for await (const piece of encoder.encode(received())) {
    waiting.push(piece);
    waitingBytes += piece.length;
    if (waitingBytes >= messageBytes) await give();
  }
  await give();
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
      [pieces, untaken] = [[], 0];
      encode(message.job).catch(fail);
      break;
    case 'piece':
      pieces.push(
        Buffer.from(message.bytes.buffer, message.bytes.byteOffset, message.bytes.length),
      );
      break;
    case 'end':
      pieces.push('end');
      break;
    case 'taken':
      untaken -= message.bytes;
      break;
    default:
      message satisfies never;
  }
  const woken = waiters;
  waiters = [];
  for (const wake of woken) wake();
});
