/**
 * The subset of Thrift's compact protocol that Parquet's metadata needs.
 * https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md
 */
const types = { true: 1, false: 2, i32: 5, i64: 6, binary: 8, list: 9, struct: 12 } as const;

type Fields = (struct: Struct) => void;

/** Returns the bytes of a struct. */
export function struct(fields: Fields): Buffer {
  const out = new Bytes();
  writeStruct(out, fields);
  return out.toBuffer();
}

function writeStruct(out: Bytes, fields: Fields): void {
  fields(new Struct(out));
  out.byte(0);
}

/** Writes the fields of one struct, which must be written in the order of their numbers. */
export class Struct {
  readonly #out: Bytes;
  #last = 0;

  constructor(out: Bytes) {
    this.#out = out;
  }

  i32(id: number, value: number): void {
    this.#field(id, types.i32);
    this.#out.zigzag(value);
  }

  i64(id: number, value: number): void {
    this.#field(id, types.i64);
    this.#out.zigzag(value);
  }

  bool(id: number, value: boolean): void {
    this.#field(id, value ? types.true : types.false);
  }

  binary(id: number, value: string | Uint8Array): void {
    this.#field(id, types.binary);
    this.#out.binary(value);
  }

  struct(id: number, fields: Fields): void {
    this.#field(id, types.struct);
    writeStruct(this.#out, fields);
  }

  i32s(id: number, values: readonly number[]): void {
    this.#list(id, types.i32, values, (value) => this.#out.zigzag(value));
  }

  i64s(id: number, values: readonly number[]): void {
    this.#list(id, types.i64, values, (value) => this.#out.zigzag(value));
  }

  bools(id: number, values: readonly boolean[]): void {
    this.#list(id, types.true, values, (value) => this.#out.byte(value ? types.true : types.false));
  }

  binaries(id: number, values: readonly (string | Uint8Array)[]): void {
    this.#list(id, types.binary, values, (value) => this.#out.binary(value));
  }

  structs<T>(id: number, values: readonly T[], fields: (struct: Struct, value: T) => void): void {
    this.#list(id, types.struct, values, (value) =>
      writeStruct(this.#out, (inner) => fields(inner, value)),
    );
  }

  #list<T>(id: number, type: number, values: readonly T[], write: (value: T) => void): void {
    this.#field(id, types.list);
    if (values.length < 15) this.#out.byte((values.length << 4) | type);
    else {
      this.#out.byte(0xf0 | type);
      this.#out.varint(values.length);
    }
    for (const value of values) write(value);
  }

  #field(id: number, type: number): void {
    // The ids of successive fields in Parquet's structs differ by at most 15, so the short form is enough.
    if (id <= this.#last || id > this.#last + 15) throw new Error(`field ${id} is out of order`);
    this.#out.byte(((id - this.#last) << 4) | type);
    this.#last = id;
  }
}

/** A growing buffer. */
class Bytes {
  #bytes = Buffer.allocUnsafe(1_024);
  #length = 0;

  byte(value: number): void {
    this.#reserve(1);
    this.#bytes[this.#length++] = value;
  }

  /** For whole numbers from 0 to 2^53; every size in a file is smaller. */
  varint(value: number): void {
    let rest = value;
    for (; rest > 127; rest = Math.floor(rest / 128)) this.byte((rest % 128) | 128);
    this.byte(rest);
  }

  zigzag(value: number): void {
    this.varint(value >= 0 ? value * 2 : -value * 2 - 1);
  }

  binary(value: string | Uint8Array): void {
    const bytes = typeof value === 'string' ? Buffer.from(value) : value;
    this.varint(bytes.length);
    this.#reserve(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  toBuffer(): Buffer {
    return this.#bytes.subarray(0, this.#length);
  }

  #reserve(more: number): void {
    const needed = this.#length + more;
    if (needed <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafe(Math.max(needed, 2 * this.#bytes.length));
    larger.set(this.toBuffer());
    this.#bytes = larger;
  }
}
