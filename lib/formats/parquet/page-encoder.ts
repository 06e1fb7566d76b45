import { emptyBuffer } from '../format.ts';
import type { Codec } from './codecs.ts';
import type { ValueEncoding } from './data-page.ts';
import { encodeDelta } from './delta.ts';
import { Dictionary, encodeIndices } from './dictionary.ts';
import type { PlainValues } from './plain-buffer.ts';
import { type ParquetType, physicalType } from './types.ts';

/** The values of a page as they are in the file. */
interface EncodedValues {
  encoding: ValueEncoding;
  bytes: Uint8Array;
}

/** An encoding of this share of the PLAIN bytes is not compared with them, because no compression equals that. */
const clearlySmaller = 1 / 8;
/** An encoding of a larger share is not used, because readers are faster with PLAIN. */
const hardlySmaller = 0.9;
/** Bytes of a page in PLAIN encoding that are compressed to compare it. */
const sampleBytes = 128 * 1_024;
/** Column chunks after which the encoding is chosen again: values may change in a long file. */
const chunksPerChoice = 16;

/**
 * Chooses how the values of a column are encoded: PLAIN, as differences of successive whole numbers, or as indices of a
 * dictionary. The first page with values shows which of them is smallest, if in doubt once compressed; the next pages
 * are encoded alike. The choice depends only on the values, so the same rows make the same file.
 */
export class PageEncoder {
  readonly #codec: Codec;
  readonly #width: 4 | 8 | null;
  readonly #dictionary: Dictionary | null;
  #choice: ValueEncoding | null = null;
  #chunks = 0;

  constructor(type: ParquetType, codec: Codec) {
    this.#codec = codec;
    const widths = { [physicalType.int32]: 4, [physicalType.int64]: 8 } as const;
    this.#width =
      type.physicalType === physicalType.int32 || type.physicalType === physicalType.int64
        ? widths[type.physicalType]
        : null;
    this.#dictionary = type.physicalType === physicalType.boolean ? null : new Dictionary(type);
  }

  /** Returns the `count` values of a page. They are valid until the next call, or until the values change. */
  encode(values: PlainValues, count: number): EncodedValues {
    if (count === 0) return plain(values);
    if (this.#choice === null) return this.#choose(values, count);
    const encoded =
      (this.#choice === 'dictionary' ? this.#asIndices(values, count) : null) ??
      (this.#choice === 'plain' ? null : this.#asDelta(values));
    return encoded ?? plain(values);
  }

  /** Returns the dictionary of the column chunk if a page uses it. It is valid until `endChunk`. */
  get dictionary(): { entries: number; values: Uint8Array } | null {
    if (!this.#dictionary || this.#dictionary.entries === 0) return null;
    const { entries, values } = this.#dictionary;
    return { entries, values: values.bytes.subarray(0, values.length) };
  }

  endChunk(): void {
    this.#chunks++;
    if (this.#chunks % chunksPerChoice === 0) this.#choice = null;
    this.#dictionary?.truncate(0);
  }

  #choose(values: PlainValues, count: number): EncodedValues {
    const indices = this.#asIndices(values, count);
    const delta = this.#asDelta(values);
    const dictionary = this.#dictionary?.values;
    const withDictionary = indices
      ? [indices.bytes, dictionary?.bytes.subarray(0, dictionary.length) ?? emptyBuffer]
      : null;
    const [encoded, parts] =
      withDictionary && (!delta || lengthOf(withDictionary) < delta.bytes.length)
        ? [indices, withDictionary]
        : [delta, delta ? [delta.bytes] : []];
    const chosen = encoded && this.#isSmaller(parts, values) ? encoded : plain(values);
    this.#choice = chosen.encoding;
    if (chosen.encoding !== 'dictionary') this.#dictionary?.truncate(0);
    return chosen;
  }

  #isSmaller(parts: readonly Uint8Array[], { bytes, length }: PlainValues): boolean {
    const encodedLength = lengthOf(parts);
    if (encodedLength <= length * clearlySmaller) return true;
    if (encodedLength >= length * hardlySmaller) return false;
    // The beginnings, which have the same values, are sufficient.
    const share = Math.min(1, sampleBytes / length);
    const sizeOf = (part: Uint8Array): number =>
      this.#codec.sizeOf(part.subarray(0, Math.ceil(share * part.length)));
    const encodedSize = parts.reduce((sum, part) => sum + sizeOf(part), 0);
    return encodedSize < sizeOf(bytes.subarray(0, length));
  }

  #asIndices(values: PlainValues, count: number): EncodedValues | null {
    const indices = this.#dictionary?.indicesOf(values, count);
    if (!indices) {
      if (this.#choice === 'dictionary') this.#choice = this.#width === null ? 'plain' : 'delta';
      return null;
    }
    return {
      encoding: 'dictionary',
      bytes: encodeIndices(indices, this.#dictionary?.entries ?? 0),
    };
  }

  #asDelta(values: PlainValues): EncodedValues | null {
    if (this.#width === null) return null;
    const limit = Math.floor(values.length * hardlySmaller);
    const bytes = values.kernel
      ? values.kernel.encodeDelta(this.#width, limit)
      : encodeDelta(values, this.#width, limit);
    return bytes && { encoding: 'delta', bytes };
  }
}

const plain = ({ bytes, length }: PlainValues): EncodedValues => ({
  encoding: 'plain',
  bytes: bytes.subarray(0, length),
});

const lengthOf = (parts: readonly Uint8Array[]): number =>
  parts.reduce((sum, { length }) => sum + length, 0);
