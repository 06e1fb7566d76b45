import { wasm } from './built/csv.ts';
import type { KernelContext, KernelPlan } from './row-kernel.ts';
import { TextKernel, textKernelBytes } from './text-kernel.ts';

const lineFeed = 0x0a;
const crlfBytes = Buffer.from('\r\n');

/** CSV as the server writes it, with an LF or CR LF after each row. */
class CsvKernel extends TextKernel {
  readonly #crlf: boolean;

  constructor(context: KernelContext, crlf: boolean) {
    super(context, { wasm, parameters: [Number(crlf)], tableBytes: 0 });
    this.#crlf = crlf;
  }

  protected override explain(): void {
    throw new Error('a row does not end with a line feed');
  }

  protected override encodeLong(bytes: Buffer, isLast: boolean): void {
    if (isLast && bytes.at(-1) !== lineFeed) this.explain();
    if (!isLast || !this.#crlf) return this.append(bytes);
    this.append(bytes.subarray(0, -1));
    this.append(crlfBytes);
  }
}

/** @param crlf whether rows end with CR LF in place of LF */
export const csvKernel = (crlf: boolean): KernelPlan => ({
  bytes: textKernelBytes,
  create: (context) => new CsvKernel(context, crlf),
});
