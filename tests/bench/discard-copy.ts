import { readFile } from 'node:fs/promises';
import pg from 'pg';
import { ReusedBufferSocket } from '../../lib/sources/copy/reused-buffer-socket.ts';
import { sourceUrl } from '../support/stack.ts';

const maxSeconds = 300;

/** Returns the seconds of CPU of a process with one thread. `stat` has only hundredths. */
async function cpuSecondsOfThread(pid: number): Promise<number> {
  const [nanoseconds] = (await readFile(`/proc/${pid}/schedstat`, 'utf8')).split(' ');
  return Number(nanoseconds) / 1e9;
}

const ownCpuSeconds = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
};

/** Returns the seconds of CPU that this process, with all its threads, needs for some work. */
export async function ownCpuOf(work: () => Promise<unknown>): Promise<number> {
  const before = ownCpuSeconds();
  await work();
  return ownCpuSeconds() - before;
}

/**
 * Sends a COPY … TO STDOUT and discards what the socket receives, as it is. Returns the seconds of CPU of the server's
 * process and of this one: what no reader can do without.
 *
 * @param rows that the server has to send
 */
export async function discardCopy(
  statement: string,
  rows: number,
): Promise<{ server: number; reader: number }> {
  const socket = new ReusedBufferSocket();
  const client = new pg.Client({ connectionString: sourceUrl('sales'), stream: () => socket });
  // Of the end of the connection, which the driver does not expect.
  client.on('error', () => {});
  await client.connect();
  try {
    const backend = await client.query<{ pid: number }>('select pg_backend_pid() as pid');
    const pid = backend.rows[0]?.pid ?? 0;
    const before = await cpuSecondsOfThread(pid);
    const reader = await ownCpuOf(() => receive(socket, statement, rows));
    return { server: (await cpuSecondsOfThread(pid)) - before, reader };
  } finally {
    socket.destroy();
  }
}

/** Resolves when the last bytes are those with which the server ends a COPY of these rows. */
async function receive(socket: ReusedBufferSocket, statement: string, rows: number): Promise<void> {
  const text = Buffer.from(`${statement}\0`);
  const query = Buffer.concat([Buffer.from('Q....'), text]);
  query.writeInt32BE(text.length + 4, 1);
  const end = Buffer.from(`COPY ${rows}\0Z\0\0\0\x05I`);
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const timer = setTimeout(
    () => reject(new Error(`${statement}: not ended after ${maxSeconds} s`)),
    maxSeconds * 1_000,
  );
  let last = Buffer.alloc(0);
  // The driver would parse the rows.
  socket.removeAllListeners('data');
  socket.lendsBuffer = true;
  socket.on('data', (bytes: Buffer) => {
    // Copied: the next read has the same memory.
    last = Buffer.concat([last, bytes.subarray(-end.length)]).subarray(-end.length);
    if (last.equals(end)) resolve();
  });
  socket.write(query);
  try {
    await promise;
  } finally {
    clearTimeout(timer);
  }
}
