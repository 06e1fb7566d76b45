import { Readable } from 'node:stream';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { Format } from './format.ts';
import { json } from './json.ts';
import { ndjson } from './ndjson.ts';

/** What an encoder gives of pieces. */
async function encoded(format: Format, pieces: readonly Buffer[]): Promise<string> {
  const encoder = format.encoder([], 'none');
  const out: Buffer[] = [];
  for await (const piece of encoder.encode(Readable.from(pieces))) out.push(piece);
  return Buffer.concat(out).toString();
}

/** Parts, one behind the other, as a file is put together of them. */
async function fileOf(format: Format, parts: readonly (readonly Buffer[])[]): Promise<string> {
  let text = format.prologue([]).toString();
  let before = false;
  for (const part of parts) {
    const made = await encoded(format, part);
    if (made !== '') text += format.glue(before).toString() + made;
    before ||= made !== '';
  }
  return text + format.epilogue({ columns: [], compression: 'none', parts: [] }).toString();
}

const row = fc.record({ id: fc.integer(), text: fc.string({ unit: 'grapheme', maxLength: 6 }) });
const rows = fc.array(row, { maxLength: 5 });
type Row = { id: number; text: string };

describe.each([
  { name: 'json', format: json, prefix: ',' },
  { name: 'ndjson', format: ndjson, prefix: '' },
])('rows as $name', ({ format, prefix }) => {
  const sent = (all: readonly Row[]): Buffer =>
    Buffer.from(all.map((it) => `${prefix}${JSON.stringify(it)}\n`).join(''));
  const read = (file: string): unknown =>
    format === json
      ? JSON.parse(file)
      : file
          .split('\n')
          .slice(0, -1)
          .map((line) => JSON.parse(line));

  test('are the same cut in two at every byte, and byte by byte', async () => {
    await fc.assert(
      fc.asyncProperty(rows, async (all) => {
        const bytes = sent(all);
        const whole = await encoded(format, [bytes]);
        for (let at = 0; at <= bytes.length; at++)
          expect(await encoded(format, [bytes.subarray(0, at), bytes.subarray(at)])).toEqual(whole);
        const single = [...bytes].map((byte) => Buffer.from([byte]));
        expect(await encoded(format, single)).toEqual(whole);
      }),
      { numRuns: 20 },
    );
  });

  test('of several parts are one file, whichever have none', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(rows, { maxLength: 4 }), async (parts) => {
        const file = await fileOf(
          format,
          parts.map((all) => [sent(all)]),
        );
        expect(read(file)).toEqual(parts.flat());
      }),
    );
  });
});
