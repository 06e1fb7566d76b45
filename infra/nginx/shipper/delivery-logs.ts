/**
 * Reads the delivery logs of NGINX: `deliveries.log` and the rotated ones, `deliveries.log.<anything>`. How far each is
 * sent is kept in a file by inode, so that a log keeps its position when it is renamed.
 */
import { type FileHandle, open, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { errorCode } from '../../../lib/runtime/errors.ts';
import { writeFileAtomic } from '../../local/home/atomic-file.ts';

const logName = 'deliveries.log';
const positionsName = 'deliveries.positions.json';

/** Bytes that are read at a time, and sent in one request to Kafka. */
const chunkBytes = 256 * 1024;
/** A line of NGINX has less than 2 kB. What is longer is no line of it, and is sent cut. */
const maxLineBytes = 64 * 1024;
/**
 * How long no line has to be written to a log before it is deleted. A worker of NGINX goes on writing to a rotated log
 * until it has reopened it, normally for milliseconds; in a container each hour has a log (`$log_hour`).
 */
const rotatedForMs = 70 * 60 * 1000;
const newline = '\n'.charCodeAt(0);

const positionsSchema = z.object({
  logs: z.array(z.object({ inode: z.int(), offset: z.int().nonnegative() })),
});

export class DeliveryLogs {
  readonly #directory: string;
  readonly #send: (lines: readonly Buffer[]) => Promise<void>;
  readonly #positions: Map<number, number>;

  private constructor(
    directory: string,
    send: (lines: readonly Buffer[]) => Promise<void>,
    positions: Map<number, number>,
  ) {
    this.#directory = directory;
    this.#send = send;
    this.#positions = positions;
  }

  /**
   * Without a readable file of positions every log is sent from its beginning: who records the deliveries ignores those
   * that it has.
   *
   * @param send resolves when the lines are stored; their position is saved after that
   */
  static async open(
    directory: string,
    send: (lines: readonly Buffer[]) => Promise<void>,
  ): Promise<DeliveryLogs> {
    return new DeliveryLogs(directory, send, await readPositions(join(directory, positionsName)));
  }

  /** Sends every complete line that is not sent yet, and deletes rotated logs of which all is sent. */
  async shipNew(): Promise<void> {
    const names = await this.#logNames();
    const present = new Set<number>();
    for (const name of names) {
      const inode = await this.#ship(name);
      if (inode !== undefined) present.add(inode);
    }
    // A new log may get the inode of a deleted one.
    const deleted = [...this.#positions.keys()].filter((inode) => !present.has(inode));
    if (deleted.length > 0) this.#forget(deleted);
  }

  /** Returns the rotated logs in the order of their names, then the one that NGINX writes. */
  async #logNames(): Promise<string[]> {
    const names = await readdir(this.#directory);
    const rotated = names.filter((name) => name.startsWith(`${logName}.`)).toSorted();
    return names.includes(logName) ? [...rotated, logName] : rotated;
  }

  /** Returns the inode of the log, undefined if it has none any more. */
  async #ship(name: string): Promise<number | undefined> {
    const path = join(this.#directory, name);
    const file = await openIfPresent(path);
    if (file === undefined) return undefined;
    try {
      const { ino, size, mtimeMs } = await file.stat();
      const isFinal = name !== logName && Date.now() - mtimeMs > rotatedForMs;
      await this.#shipLines(file, ino, size, isFinal);
      if (!isFinal) return ino;
      // In this order: after a crash in between, the log would be sent again; in the other one, a later log with this
      // inode would be skipped.
      this.#forget([ino]);
      await rm(path, { force: true });
      return undefined;
    } finally {
      await file.close();
    }
  }

  /** @param isFinal whether nothing is written any more, so that an incomplete last line is sent, too */
  async #shipLines(file: FileHandle, inode: number, size: number, isFinal: boolean): Promise<void> {
    const known = this.#positions.get(inode) ?? 0;
    let offset = known > size ? 0 : known;
    const chunk = Buffer.alloc(Math.min(chunkBytes, size - offset));
    while (offset < size) {
      const { bytesRead } = await file.read(chunk, 0, chunk.length, offset);
      const read = chunk.subarray(0, bytesRead);
      const found = completeLines(read);
      const isRest = isFinal && found.bytes === 0 && read.length > 0;
      const { lines, bytes } = isRest ? { lines: [read], bytes: read.length } : found;
      if (bytes === 0) break;
      if (lines.length > 0) await this.#send(lines);
      offset += bytes;
      this.#positions.set(inode, offset);
      this.#save();
    }
    this.#positions.set(inode, offset);
  }

  #forget(inodes: readonly number[]): void {
    for (const inode of inodes) this.#positions.delete(inode);
    this.#save();
  }

  #save(): void {
    const logs = [...this.#positions].map(([inode, offset]) => ({ inode, offset }));
    writeFileAtomic(join(this.#directory, positionsName), `${JSON.stringify({ logs })}\n`);
  }
}

/**
 * Returns the complete lines of a chunk, and how many bytes they have with their line ends. The beginning of an endless
 * line counts as one, so that reading goes on after it.
 */
export function completeLines(chunk: Buffer): { lines: Buffer[]; bytes: number } {
  const lines: Buffer[] = [];
  let start = 0;
  for (let end = chunk.indexOf(newline); end >= 0; end = chunk.indexOf(newline, start)) {
    if (end > start) lines.push(chunk.subarray(start, Math.min(end, start + maxLineBytes)));
    start = end + 1;
  }
  if (start > 0 || chunk.length <= maxLineBytes) return { lines, bytes: start };
  return { lines: [chunk.subarray(0, maxLineBytes)], bytes: chunk.length };
}

async function readPositions(path: string): Promise<Map<number, number>> {
  const text = await readFile(path, 'utf8').catch(() => '');
  try {
    const { logs } = positionsSchema.parse(JSON.parse(text));
    return new Map(logs.map(({ inode, offset }) => [inode, offset]));
  } catch {
    return new Map();
  }
}

async function openIfPresent(path: string): Promise<FileHandle | undefined> {
  try {
    return await open(path, 'r');
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}
