import { Readable } from 'node:stream';
import { describe, expect, test } from '@jest/globals';
import { zipParts } from '../formats/testing/zip-parts.ts';
import { XlsxEncoder } from '../formats/xlsx/encoder.ts';
import { type SheetSizes, sheetSizes, Workbook } from '../formats/xlsx/workbook.ts';
import { BufferPool } from '../runtime/buffer-pool.ts';
import { memoryBudget } from '../runtime/memory-budget.ts';
import { KernelRows } from '../sources/copy/kernel-rows.ts';
import { KernelMemory } from './kernel-memory.ts';
import type { KernelPlan } from './row-kernel.ts';
import { messagesOf } from './testing/encode-messages.ts';
import { sheetKernel, xlsxKernel } from './xlsx-kernel.ts';

describe('a workbook of the kernel', () => {
  const described = [
    { name: 'n', base: 'integer' },
    { name: 'at', base: 'date' },
    { name: 't', base: 'text' },
  ];
  const linesOf = (count: number): Buffer[] =>
    Array.from({ length: count }, (_, n) =>
      Buffer.from(`${n}\t2024-01-01\ta & ${'b'.repeat(n % 300)}\n`),
    );

  /** Encodes rows as a stream does: it waits for what is pending. */
  async function encodedByKernel(plan: KernelPlan | undefined, rows: readonly Buffer[]) {
    if (!plan) throw new Error('there is no kernel for these columns');
    const memory = new KernelMemory(plan.bytes);
    const output: Buffer[] = [];
    const pool = new BufferPool(memoryBudget.copyChunk.bytes, 4);
    const kernel = plan.create({ memory, pool, emit: (chunk) => output.push(chunk) });
    const reader = new KernelRows(memory, kernel);
    const wire = messagesOf(rows);
    let waits = 0;
    let rest: Buffer | undefined;
    for (let at = 0; at < wire.length; at += memory.received.length) {
      rest = reader.take(memory.received.subarray(0, wire.copy(memory.received, 0, at)));
      for (; kernel.pending && !rest; waits++) {
        await kernel.pending;
        rest = reader.resume();
      }
    }
    expect(rest?.toString('latin1')).toBe('c\0\0\0\x04');
    reader.end();
    await kernel.pending;
    return { bytes: Buffer.concat(output), rows: kernel.rows, waits };
  }

  async function encodedByEncoder(
    rows: readonly Buffer[],
    sizes: Partial<SheetSizes> = {},
  ): Promise<Buffer> {
    const output: Buffer[] = [];
    const encoder = new XlsxEncoder(described, sizes);
    for await (const chunk of encoder.encode(Readable.from([Buffer.concat(rows)])))
      output.push(chunk);
    return Buffer.concat(output);
  }

  const planWith = (sizes: SheetSizes): KernelPlan | undefined =>
    sheetKernel(described, {
      rows: sizes.rows,
      create: (emit) => new Workbook(described, { emit, sizes }),
    });

  test.each([0, 1, 30_000])('has the parts that XlsxEncoder writes of %d rows', async (count) => {
    const rows = linesOf(count);
    const encoded = await encodedByKernel(xlsxKernel(described), rows);
    expect(encoded.rows).toBe(count);
    // The pool compresses less than the kernel writes.
    expect(encoded.waits > 0).toBe(count > 1);
    expect(await zipParts(encoded.bytes)).toEqual(await zipParts(await encodedByEncoder(rows)));
  });

  test('has the sheets that XlsxEncoder writes', async () => {
    for (const count of [0, 999, 1_000, 2_500]) {
      const sizes = { ...sheetSizes, rows: 1_000 };
      const encoded = await encodedByKernel(planWith(sizes), linesOf(count));
      const parts = await zipParts(encoded.bytes);
      expect(parts).toEqual(await zipParts(await encodedByEncoder(linesOf(count), sizes)));
      expect(parts.some(([path]) => path === 'xl/worksheets/sheet2.xml')).toBe(count > 999);
    }
  });

  test('has sheets of a limited number of bytes, with all rows', async () => {
    const maxBytes = 1_000_000;
    const encoded = await encodedByKernel(
      planWith({ ...sheetSizes, bytes: maxBytes }),
      linesOf(10_000),
    );
    const sheets = (await zipParts(encoded.bytes)).filter(([name]) => name.includes('/sheet'));
    expect(sheets.length).toBeGreaterThan(2);
    const numbers = sheets.flatMap(([, xml]) => {
      // A sheet may exceed the maximum by the rows of one chunk and what was received at a time.
      expect(xml.length).toBeLessThan(maxBytes + 2 * memoryBudget.copyChunk.bytes);
      return [...xml.matchAll(/<c r="A\d+"><v>(\d+)</g)].map(([, n]) => Number(n));
    });
    expect(numbers).toEqual(Array.from({ length: 10_000 }, (_, n) => n));
  });
});
