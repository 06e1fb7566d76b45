import { Readable } from 'node:stream';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { type CsvOptions, csvChoices, plainCsv } from '../../contracts/format-capabilities.ts';
import { CrlfEncoder } from './crlf-encoder.ts';
import { csv, csvForSpreadsheets } from './index.ts';
import { parseCsv } from './parse.ts';

const column = (name: string) => ({ name, type: 'text', base: 'text', nullable: true });
const headerWith = (options: Partial<CsvOptions>, ...names: string[]) =>
  csv({ ...plainCsv, ...options })
    .header(names.map(column))
    .toString();
const header = (...names: string[]) => headerWith({}, ...names);

describe('the header of a CSV file', () => {
  test('quotes names that COPY would quote', () => {
    expect(header('id', 'a,b', 'say "x"', 'two\nlines', ' spaced ')).toBe(
      'id,"a,b","say ""x""","two\nlines", spaced \n',
    );
  });
  test('quotes a lone \\., which would end the data', () => {
    expect(header('\\.')).toBe('"\\."\n');
    expect(header('\\.', 'x')).toBe('\\.,x\n');
  });
  test('for spreadsheets contains no formula, and quotes names with any common delimiter', () => {
    const names = ['id', '=1', '\n+1', '\uff1d1', '\uff201', 'a;b', 'a\tb', 'x-1'];
    const format = csvForSpreadsheets({ timeZone: 'UTC', withOffset: false }, plainCsv);
    expect(format.header(names.map(column)).toString()).toBe(
      `\ufeffid,'=1,"'\n+1",'\uff1d1,'\uff201,"a;b","a\tb",x-1\n`,
    );
    const bars = csvForSpreadsheets(
      { timeZone: 'UTC', withOffset: false },
      { ...plainCsv, delimiter: '|' },
    );
    expect(bars.header(['a,b', 'a|b', '=1'].map(column)).toString()).toBe(
      `\ufeff"a,b"|"a|b"|'=1\n`,
    );
  });
  test('follows the CSV options of the request', () => {
    const names = ['id', 'a,b', 'a;b', 'NA', 'two\nlines'];
    expect(headerWith({ delimiter: ';' }, ...names)).toBe('id;a,b;"a;b";NA;"two\nlines"\n');
    expect(headerWith({ nullText: 'NA', newline: 'crlf' }, ...names)).toBe(
      'id,"a,b",a;b,"NA","two\nlines"\r\n',
    );
    expect(headerWith({ quote: 'all', delimiter: '\t' }, 'id', 'x"')).toBe('"id"\t"x"""\n');
  });
});

const value = fc.option(
  fc.string({ unit: fc.constantFrom('"', '\n', '\r', ',', ';', '|', '\t', 'é', 'N', 'A', ' ') }),
  { nil: null },
);
const table = fc.array(fc.array(value, { minLength: 2, maxLength: 2 }), { maxLength: 5 });

/** Returns the rows as COPY writes them: it quotes a value with a special character, or equal to `nullText`. */
const toCopyCsv = (rows: (string | null)[][], { delimiter, nullText }: CsvOptions): string =>
  rows
    .map((row) =>
      row.map((it) => {
        if (it === null) return nullText;
        return it === nullText || /["\r\n]/.test(it) || it.includes(delimiter)
          ? `"${it.replaceAll('"', '""')}"`
          : it;
      }),
    )
    .map((fields) => `${fields.join(delimiter)}\n`)
    .join('');

describe('CSV rows with any delimiter and any text for NULL', () => {
  const options = fc.record({
    delimiter: fc.constantFrom(...csvChoices.delimiter),
    nullText: fc.constantFrom('', 'NA', 'N'),
  });

  test('are parsed by parseCsv without a change', () => {
    fc.assert(
      fc.property(table, options, (rows, chosen) => {
        const all = { ...plainCsv, ...chosen };
        expect(parseCsv(toCopyCsv(rows, all), all)).toEqual(rows);
      }),
    );
  });

  test('get a CR before the LF at the end of each row and nowhere else, wherever the input is cut', async () => {
    await fc.assert(
      fc.asyncProperty(table, options, async (rows, chosen) => {
        const all = { ...plainCsv, ...chosen };
        const lines = rows.map((row) => toCopyCsv([row], all));
        const expected = lines.map((line) => `${line.slice(0, -1)}\r\n`).join('');
        const bytes = Buffer.from(lines.join(''));
        const single = [...bytes].map((byte) => Buffer.of(byte));
        expect(await encoded(single)).toEqual({ text: expected, rows: rows.length });
        for (let at = 0; at <= bytes.length; at++)
          expect(await encoded([bytes.subarray(0, at), bytes.subarray(at)])).toEqual({
            text: expected,
            rows: rows.length,
          });
      }),
      { numRuns: 50 },
    );
  });

  test('make CrlfEncoder fail if they end inside a row', async () => {
    for (const text of ['a', 'a\nb', '"a\n', '"a"'])
      await expect(encoded([Buffer.from(text)])).rejects.toThrow('inside a row');
  });
});

async function encoded(chunks: Buffer[]): Promise<{ text: string; rows: number }> {
  const encoder = new CrlfEncoder();
  const output: Buffer[] = [];
  // Copied, because a chunk is valid only until the next one is requested.
  for await (const chunk of encoder.encode(Readable.from(chunks))) output.push(Buffer.from(chunk));
  return { text: Buffer.concat(output).toString(), rows: encoder.rows };
}
