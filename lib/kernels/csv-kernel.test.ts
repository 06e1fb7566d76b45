import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { CrlfEncoder } from '../formats/csv/crlf-encoder.ts';
import { cutAt } from '../formats/testing/copy-binary.ts';
import { memoryBudget } from '../runtime/memory-budget.ts';
import { csvKernel } from './csv-kernel.ts';
import { KernelMemory } from './kernel-memory.ts';
import { encodeMessages, message, messagesOf, runs } from './testing/encode-messages.ts';

/** Returns the rows one after the other, with the line ends that the kernel has to write: its specification in JavaScript. */
const joined = (rows: readonly Uint8Array[], crlf: boolean): Buffer =>
  Buffer.concat(rows.flatMap((row) => (crlf ? [row.subarray(0, -1), Buffer.from('\r\n')] : [row])));

const rowOf = (text: string): Buffer => Buffer.from(`${text}\n`);
const hostile = [
  '',
  '1,one',
  '""',
  '"two\nlines"',
  '"a\r\nb"',
  '"""\n\n"""',
  '\\.',
  'é😀',
  '\r',
].map(rowOf);

describe.each([false, true])('the kernel of CSV, with CR LF: %s', (crlf) => {
  const plan = csvKernel(crlf);

  test('writes the same wherever the bytes are cut', () => {
    const bytes = Buffer.concat([
      message('H', Buffer.from([0, 0, 0])),
      messagesOf(hostile.slice(0, 3)).subarray(0, -5),
      message('N', Buffer.from('SNOTICE\0\0')),
      messagesOf(hostile.slice(3)),
    ]);
    const whole = joined(hostile, crlf).toString();
    for (const elsewhere of [false, true])
      for (let at = 0; at <= bytes.length; at++) {
        const encoded = encodeMessages(plan, cutAt(bytes, [at]), elsewhere);
        expect(encoded.bytes.toString()).toBe(whole);
        expect(encoded.rows).toBe(hostile.length);
        expect(encoded.ended).toBe(true);
      }
    const single = [...bytes].map((byte) => Buffer.from([byte]));
    expect(encodeMessages(plan, single).bytes.toString()).toBe(whole);
  });

  test('writes rows of any bytes and any length, in chunks of the pool', () => {
    const { maxRowBytes } = KernelMemory;
    const length = fc.oneof(
      { weight: 8, arbitrary: fc.nat(100) },
      fc.nat(3 * maxRowBytes),
      fc.constantFrom(15, 16, 17, 1_023, 1_024, 1_025, 131_066, 131_067),
      fc.constantFrom(maxRowBytes - 1, maxRowBytes, maxRowBytes + 1),
    );
    fc.assert(
      fc.property(fc.array(length, { maxLength: 30 }), fc.array(fc.nat()), (lengths, cuts) => {
        const rows = lengths.map((bytes, n) => rowOf(String(n % 10).repeat(bytes)));
        const { bytes, chunks, rows: count } = encodeMessages(plan, cutAt(messagesOf(rows), cuts));
        expect(count).toBe(rows.length);
        expect(bytes.equals(joined(rows, crlf))).toBe(true);
        const sizes = chunks.map((chunk) => chunk.buffer.byteLength);
        expect(sizes.every((size) => size === memoryBudget.copyChunk.bytes)).toBe(true);
      }),
      { numRuns: runs },
    );
  });

  test('refuses a message that is no row', () => {
    const text = 'a row does not end with a line feed';
    for (const wrong of [Buffer.alloc(0), Buffer.from('1,one'), Buffer.alloc(300_000, 'x')])
      expect(() => encodeMessages(plan, [messagesOf([rowOf('1'), wrong])])).toThrow(text);
  });

  test('reads and writes nothing outside of the messages, whatever lengths they claim', () => {
    for (const claimed of [0, 1, 3, 4, 5, 12, 65_536, 2 ** 31, 2 ** 32 - 1]) {
      const wrong = messagesOf([rowOf('1,one'), rowOf('2,two')]);
      wrong.writeUInt32BE(claimed, 1);
      // It ends, by an error or because it waits for bytes; `encodeMessages` looks at the memory around the regions.
      const encode = () => encodeMessages(plan, [wrong]).rows;
      if (claimed <= 12) expect(encode).toThrow();
      else expect(encode()).toBe(0);
    }
  });
});

test('the kernel of CSV writes CR LF as the encoder does', async () => {
  const output: Buffer[] = [];
  const source = async function* () {
    yield Buffer.concat(hostile.slice(1));
  };
  for await (const chunk of new CrlfEncoder().encode(source())) output.push(Buffer.from(chunk));
  const encoded = encodeMessages(csvKernel(true), [messagesOf(hostile.slice(1))]);
  expect(encoded.bytes.toString()).toBe(Buffer.concat(output).toString());
});
