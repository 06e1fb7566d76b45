import { crc32, createDeflateRaw, type DeflateRaw, deflateRawSync } from 'node:zlib';
import { memoryLimits } from '../../runtime/memory-budget.ts';

/**
 * Level 1 needs a third of the time of zlib's default level, for a tenth more bytes. A window of 16 KiB needs up to an
 * eighth less time than one of 32 KiB, because its tables stay in the cache of a core; files are of about the same size.
 */
const deflate = { level: 1, windowBits: 14, chunkSize: memoryLimits.deflateOutputBytes };

/** A number of four bytes of this value, or of a larger one, is in a field of zip64 instead. */
const maxNumber = 0xffff_ffff;
const method = 8;
/** The version of the format that a reader has to know: 2.0, for deflated entries, and 4.5, for zip64. */
const versions = { deflate: 20, zip64: 45 };
/** Made on Unix, by version 6.3 of the specification; a file that its owner and group may write. */
const madeBy = (3 << 8) | 63;
const attributes = 0o100664 * 0x1_0000;
/** Bits of the flags: names are UTF-8; checksum and sizes follow the entry. */
const isUtf8 = 1 << 11;
const isFollowedBySizes = 1 << 3;

interface Entry {
  name: Buffer;
  flags: number;
  offset: number;
  crc: number;
  size: number;
  compressedSize: number;
}

/**
 * Writes a zip archive whose entries are deflated by Node's thread pool while their bytes arrive, one entry after the
 * other. Each is below 4 GiB, the archive may be larger.
 * https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT
 */
export class ZipWriter {
  readonly #emit: (chunk: Buffer) => void;
  readonly #entries: Entry[] = [];
  readonly #modified = dosTime(new Date());
  readonly #zip64From: number;
  #offset = 0;
  #open: { entry: Entry; compressor: DeflateRaw; failed: Promise<never> } | undefined;

  /**
   * @param emit takes the bytes of the archive, which it may keep
   * @param zip64From places in the archive from which on zip64 is used; less than necessary in tests
   */
  constructor(emit: (chunk: Buffer) => void, zip64From = maxNumber) {
    this.#emit = emit;
    this.#zip64From = zip64From;
  }

  /** Begins an entry, after the one before has ended. */
  begin(path: string): void {
    const unknown = { crc: 0, size: 0, compressedSize: 0 };
    const entry = this.#putHead(path, { flags: isUtf8 | isFollowedBySizes, ...unknown });
    const compressor = createDeflateRaw(deflate);
    const { promise: failed, reject } = Promise.withResolvers<never>();
    failed.catch(() => undefined);
    compressor.on('error', reject).on('data', (chunk: Buffer) => {
      entry.compressedSize += chunk.length;
      this.#put(chunk);
    });
    this.#open = { entry, compressor, failed };
  }

  /** Adds bytes to the entry. They may be changed once the promise resolves. */
  async write(bytes: Uint8Array): Promise<void> {
    const { entry, compressor, failed } = this.#opened();
    entry.crc = crc32(bytes, entry.crc);
    entry.size += bytes.length;
    const { promise, resolve } = Promise.withResolvers<void>();
    compressor.write(bytes, () => resolve());
    await Promise.race([promise, failed]);
  }

  /** Ends the entry. */
  async end(): Promise<void> {
    const { entry, compressor, failed } = this.#opened();
    const { promise, resolve } = Promise.withResolvers<void>();
    compressor.end().on('end', resolve);
    await Promise.race([promise, failed]);
    this.#open = undefined;
    // Without the fields of zip64, for which it would have to be known at the beginning that an entry needs them.
    if (Math.max(entry.size, entry.compressedSize) >= maxNumber)
      throw new Error(`the zip entry ${entry.name.toString()} is too large`);
    this.#put(fields([0x0807_4b50, 4], ...sizesOf(entry)));
  }

  /** Adds an entry that is short. */
  add(path: string, text: string): void {
    const bytes = Buffer.from(text);
    const compressed = deflateRawSync(bytes, deflate);
    const sizes = { size: bytes.length, compressedSize: compressed.length };
    this.#putHead(path, { flags: isUtf8, crc: crc32(bytes), ...sizes });
    this.#put(compressed);
  }

  /** Writes the directory of the archive, which ends it. */
  finish(): void {
    const start = this.#offset;
    for (const entry of this.#entries) this.#put(this.#recordOf(entry));
    const size = this.#offset - start;
    const isFar = start >= this.#zip64From;
    if (isFar) this.#put(endOfZip64({ count: this.#entries.length, start, size }));
    this.#put(
      fields(
        [0x0605_4b50, 4],
        [0, 2],
        [0, 2],
        [this.#entries.length, 2],
        [this.#entries.length, 2],
        [size, 4],
        [isFar ? maxNumber : start, 4],
        [0, 2],
      ),
    );
  }

  #opened(): { entry: Entry; compressor: DeflateRaw; failed: Promise<never> } {
    if (!this.#open) throw new Error('the zip has no open entry');
    return this.#open;
  }

  #put(bytes: Buffer): void {
    this.#offset += bytes.length;
    this.#emit(bytes);
  }

  #putHead(path: string, known: Omit<Entry, 'name' | 'offset'>): Entry {
    const entry: Entry = { name: Buffer.from(path), offset: this.#offset, ...known };
    this.#entries.push(entry);
    this.#put(
      Buffer.concat([
        fields(
          [0x0403_4b50, 4],
          [versions.deflate, 2],
          ...this.#common(entry),
          ...sizesOf(entry),
          [entry.name.length, 2],
          [0, 2],
        ),
        entry.name,
      ]),
    );
    return entry;
  }

  /** What the two heads of an entry have in common: flags, method, time and day of the change. */
  #common({ flags }: Entry): Field[] {
    const { time, day } = this.#modified;
    return [
      [flags, 2],
      [method, 2],
      [time, 2],
      [day, 2],
    ];
  }

  #recordOf(entry: Entry): Buffer {
    const isFar = entry.offset >= this.#zip64From;
    // Only the place of an entry can need 8 bytes.
    const extra = isFar ? fields([1, 2], [8, 2], [entry.offset, 8]) : Buffer.alloc(0);
    const version = isFar ? versions.zip64 : versions.deflate;
    return Buffer.concat([
      fields(
        [0x0201_4b50, 4],
        [madeBy, 2],
        [version, 2],
        ...this.#common(entry),
        ...sizesOf(entry),
        [entry.name.length, 2],
        [extra.length, 2],
        [0, 2],
        [0, 2],
        [0, 2],
        [attributes, 4],
        [isFar ? maxNumber : entry.offset, 4],
      ),
      entry.name,
      extra,
    ]);
  }
}

type Field = readonly [value: number, bytes: 2 | 4 | 8];

/** Returns numbers in little-endian order, each in its number of bytes. */
function fields(...all: readonly Field[]): Buffer {
  const bytes = Buffer.alloc(all.reduce((sum, [, length]) => sum + length, 0));
  let at = 0;
  for (const [value, length] of all) {
    if (length === 8) bytes.writeBigUInt64LE(BigInt(value), at);
    else bytes.writeUIntLE(value, at, length);
    at += length;
  }
  return bytes;
}

const sizesOf = ({ crc, compressedSize, size }: Entry): Field[] => [
  [crc, 4],
  [compressedSize, 4],
  [size, 4],
];

/** The end of the directory of an archive of 4 GiB or more, and where it begins. */
const endOfZip64 = ({
  count,
  start,
  size,
}: {
  count: number;
  start: number;
  size: number;
}): Buffer =>
  fields(
    [0x0606_4b50, 4],
    [44, 8],
    [madeBy, 2],
    [versions.zip64, 2],
    [0, 4],
    [0, 4],
    [count, 8],
    [count, 8],
    [size, 8],
    [start, 8],
    [0x0706_4b50, 4],
    [0, 4],
    [start + size, 8],
    [1, 4],
  );

/** Returns a local time as MS-DOS had it, in steps of two seconds. */
const dosTime = (at: Date): { time: number; day: number } => ({
  time: (at.getHours() << 11) | (at.getMinutes() << 5) | (at.getSeconds() >> 1),
  day: ((at.getFullYear() - 1_980) << 9) | ((at.getMonth() + 1) << 5) | at.getDate(),
});
