import { memoryBudget } from '../runtime/memory-budget.ts';
import { instantiate } from './instantiate.ts';
import { KernelMemory, slackBytes } from './kernel-memory.ts';
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
    this.#encode = call('encode');
    this.#stopped = call('stopped');
    this.#filled = call('filled');
    this.#setFilled = call('setFilled');
    this.#rowCount = call('rowCount');
    this.#addRow = call('addRow');
    call('init')(this.#output, chunkBytes, KernelMemory.maxRowBytes, ...parameters);
  }

  /** Throws the reason why a row is malformed. */
  protected abstract explain(row: Buffer): void;

  /** Encodes the next bytes of a long row, and adds them with `append`. */
  protected abstract encodeLong(bytes: Buffer, isLast: boolean): void;

  get rows(): number {
    return this.#rowCount();
  }

  encode(from: number, end: number): number {
    let at = this.#encode(from, end);
    for (;;) {
      const stop = this.#stopped();
      if (stop === stops.malformed) {
        this.explain(this.#context.memory.rowAt(at));
        throw new Error(`row ${this.rows + 1} is not what the server sends`);
      }
      if (stop !== stops.full) return at;
      this.#emit(chunkBytes);
      at = this.#encode(at, end);
    }
  }

  encodeLongRow(bytes: Buffer, isLast: boolean): void {
    this.encodeLong(bytes, isLast);
    if (isLast) this.#addRow();
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

  /** Emits chunks as long as the output has `least` bytes, and moves the rest to its beginning. */
  #emit(least: number): void {
    const { memory, pool, emit } = this.#context;
    const filled = this.#filled();
    let taken = 0;
    while (filled - taken >= least) {
      const chunk = pool.acquire();
      const length = Math.min(chunkBytes, filled - taken);
      const start = this.#output + taken;
      chunk.set(memory.bytes.subarray(start, start + length));
      emit(chunk.subarray(0, length));
      taken += length;
    }
    if (taken === 0) return;
    memory.bytes.copyWithin(this.#output, this.#output + taken, this.#output + filled);
    this.#setFilled(filled - taken);
  }
}
