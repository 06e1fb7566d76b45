import { type JsonEncoding, jsonEncodingOf } from '../formats/json/column-types.ts';
import { JsonEncoder, prefixesOf } from '../formats/json/encoder.ts';
import type { SourceColumn } from '../sources/datasets.ts';
import { wasm } from './built/json.ts';
import { slackBytes } from './kernel-memory.ts';
import type { KernelContext, KernelPlan } from './row-kernel.ts';
import { TextKernel, textKernelBytes, textKernelRest } from './text-kernel.ts';

type JsonColumn = Pick<SourceColumn, 'name' | 'base'>;

/** The numbers of the encodings in lib/kernels/assembly/json.ts. */
const kinds: Record<JsonEncoding, number> = {
  number: 0,
  double: 1,
  boolean: 2,
  string: 3,
  timestamp: 4,
  json: 5,
};

/** Bytes of a column in the table of the kernel: three numbers of 32 bits. */
const columnBytes = 12;

/** What precedes the values of each column, and its kind. A row without columns has one, for the empty text of the row. */
const tableOf = (columns: readonly JsonColumn[]): { prefix: Buffer; kind: number }[] => {
  const encodings = columns.map((column) => kinds[jsonEncodingOf(column)]);
  return prefixesOf(columns).map((prefix, n) => ({ prefix, kind: encodings[n] ?? kinds.number }));
};

/** JSON objects, one for each row, as `JsonEncoder` writes them: it encodes the rows that are too long for the kernel. */
class JsonKernel extends TextKernel {
  readonly #columns: readonly JsonColumn[];
  readonly #separator: string;
  #longRow: JsonEncoder | undefined;

  constructor(context: KernelContext, columns: readonly JsonColumn[], separator: '' | ',') {
    const { memory } = context;
    const table = tableOf(columns);
    let prefixAt = memory.free + columnBytes * table.length;
    for (const [n, { prefix, kind }] of table.entries()) {
      const at = memory.free + columnBytes * n;
      memory.bytes.writeUInt32LE(prefixAt, at);
      memory.bytes.writeUInt32LE(prefix.length, at + 4);
      memory.bytes.writeUInt32LE(kind, at + 8);
      memory.bytes.set(prefix, prefixAt);
      prefixAt += prefix.length;
    }
    super(context, {
      wasm,
      parameters: [memory.free, table.length, Number(separator !== '')],
      tableBytes: prefixAt - memory.free,
    });
    this.#columns = columns;
    this.#separator = separator;
  }

  protected override explain(row: Buffer): void {
    for (const _ of new JsonEncoder(this.#columns).lines(row));
  }

  protected override encodeLong(bytes: Buffer, isLast: boolean): void {
    if (!this.#longRow) {
      this.#longRow = new JsonEncoder(this.#columns);
      if (this.rows > 0) this.append(Buffer.from(this.#separator));
    }
    for (const chunk of this.#longRow.lines(bytes)) this.append(chunk);
    if (!isLast) return;
    this.append(this.#longRow.rest());
    if (this.#longRow.rows !== 1) throw new Error('the rows end inside a row');
    this.#longRow = undefined;
  }
}

/**
 * Returns the plan of a kernel for these columns, undefined if the memory of a kernel has no room for their names.
 *
 * @param separator what precedes every object except for the first
 */
export function jsonKernel(
  columns: readonly JsonColumn[],
  separator: '' | ',',
): KernelPlan | undefined {
  const table = tableOf(columns);
  const names = table.reduce((sum, { prefix }) => sum + prefix.length, 0);
  // The names are in the table and in a row, where each value may be in quotes; a row also has a comma, a brace and LF.
  const needed = (columnBytes + 2) * table.length + 2 * names + 3 + slackBytes;
  return needed > textKernelRest
    ? undefined
    : {
        bytes: textKernelBytes,
        create: (context) => new JsonKernel(context, columns, separator),
      };
}
