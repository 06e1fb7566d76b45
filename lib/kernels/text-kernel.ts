import { memoryBudget } from '../runtime/memory-budget.ts';
import { instantiate } from './instantiate.ts';
import { headBytes, KernelMemory, slackBytes } from './kernel-memory.ts';
import { type KernelContext, type RowKernel, stops } from './row-kernel.ts';

const chunkBytes = memoryBudget.copyChunk.bytes;
/** JSON has up to six bytes for one of COPY's text. */
const maxGrowth = 6;

/** Bytes of a text kernel's memory: the output, and what the longest row may be there. */
export const textKernelBytes = memoryBudget.kernelText.bytes;
/** Bytes that are left for tables of the kernel, and for what it adds to a row that does not depend on its length. */
export const textKernelRest =
  textKernelBytes - chunkBytes - maxGrowth * KernelMemory.maxRowBytes - 2 * slackBytes;

/** What the kernels that write text have in common: their output is one region of the memory, emitted by chunks. */
export abstract class TextKernel implements RowKernel {
  readonly #context: KernelContext;
  readonly #output: number;
  readonly #encode: (at: number, end: number) => number;
  readonly #stopped: () => number;
  readonly #filled: () => number;
  readonly #setFilled: (bytes: number) => void;
  readonly #rowCount: () => number;
  readonly #addRow: () => void;
  /** Returns a function of the module by its name. */
  protected readonly call: (name: string) => (...numbers: number[]) => number;

  /**
   * @param wasm the module of the kernel in base64
   * @param parameters of its function `init`, after those that all have
   * @param tableBytes that the kernel uses at the beginning of its memory
   */
  constructor(
    context: KernelContext,
    { wasm, parameters, tableBytes }: { wasm: string; parameters: number[]; tableBytes: number },
  ) {
    this.#context = context;
    const { memory } = context;
    this.#output = memory.free + tableBytes + slackBytes;
    const call = instantiate(wasm, memory.memory);
    this.call = call;
    this.#encode = call('encode');
    this.#stopped = call('stopped');
    this.#filled = call('filled');
    this.#setFilled = call('setFilled');
    this.#rowCount = call('rowCount');
    this.#addRow = call('addRow');
    call('init')(this.#output, chunkBytes, KernelMemory.maxRowBytes, ...parameters);
  }

  /** Throws the reason why a row is malformed, if it knows one. */
  protected explain(_row: Buffer): void {
    // A kernel that leaves rows to its encoder has no malformed ones.
  }

  /** Encodes the next bytes of a row that is long or left to it, and adds them with `append`. */
  protected abstract encodeLong(bytes: Buffer, isLast: boolean): void;

  get rows(): number {
    return this.#rowCount();
  }

  encode(from: number, end: number): number {
    let at = from;
    while (!this.pending) {
      at = this.#encode(at, end);
      const stop = this.#stopped();
      if (stop === stops.full) this.makeRoom();
      else if (stop === stops.other) {
        const row = this.#context.memory.rowAt(at);
        this.encodeLongRow(row, true);
        at += headBytes + row.length;
      } else if (stop === stops.malformed) {
        this.explain(this.#context.memory.rowAt(at));
        throw new Error(`row ${this.rows + 1} is not what the server sends`);
      } else return at;
    }
    return at;
  }

  /** As of `RowKernel`. */
  get pending(): Promise<void> | undefined {
    return undefined;
  }

  encodeLongRow(bytes: Buffer, isLast: boolean): void {
    this.encodeLong(bytes, isLast);
    if (isLast) this.#addRow();
  }

  /** Emits what is full. */
  protected makeRoom(): void {
    this.#emit(chunkBytes);
  }

  flush(): void {
    this.#emit(1);
  }

  end(): void {
    this.#emit(1);
  }

  /** Adds bytes to the output. */
  protected append(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; at += chunkBytes) {
      this.#emit(chunkBytes);
      const filled = this.#filled();
      const part = bytes.subarray(at, at + chunkBytes);
      this.#context.memory.bytes.set(part, this.#output + filled);
      this.#setFilled(filled + part.length);
    }
  }

  /** Emits chunks as long as the output has `minBytes`, and moves the rest to its beginning. */
  #emit(minBytes: number): void {
    const { memory, pool, emit } = this.#context;
    const filled = this.#filled();
    let emitted = 0;
    while (filled - emitted >= minBytes) {
      const chunk = pool.acquire();
      const length = Math.min(chunkBytes, filled - emitted);
      const start = this.#output + emitted;
      chunk.set(memory.bytes.subarray(start, start + length));
      emit(chunk.subarray(0, length));
      emitted += length;
    }
    if (emitted === 0) return;
    memory.bytes.copyWithin(this.#output, this.#output + emitted, this.#output + filled);
    this.#setFilled(filled - emitted);
  }
}
