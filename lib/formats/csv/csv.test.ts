import { Readable } from 'node:stream';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { type CsvOptions, csvChoices, plainCsv } from '../contracts/format-capabilities.ts';
import { csv, csvForSpreadsheets } from './csv.ts';
import { csvRows } from './csv-fields.ts';
import { LineEnds } from './line-ends.ts';

const column = (name: string) => ({ name, type: 'text', base: 'text', nullable: true });
const headerWith = (options: Partial<CsvOptions>, ...names: string[]) =>
  csv({ ...plainCsv, ...options })
    .prologue(names.map(column))
    .toString();
const header = (...names: string[]) => headerWith({}, ...names);

describe('the header', () => {
  test('is quoted where COPY quotes', () => {
    expect(header('id', 'a,b', 'say "x"', 'two\nlines', ' spaced ')).toBe(
      'id,"a,b","say ""x""","two\nlines", spaced \n',
    );
  });
  test('of a lone \\. is quoted, or it would end the data', () => {
    expect(header('\\.')).toBe('"\\."\n');
    expect(header('\\.', 'x')).toBe('\\.,x\n');
  });
  test('for spreadsheets has no formula, and is quoted where one may take a sign for the end of a field', () => {
    const names = ['id', '=1', '\n+1', '\uff1d1', '\uff201', 'a;b', 'a\tb', 'x-1'];
    const format = csvForSpreadsheets({ timeZone: 'UTC', withOffset: false }, plainCsv);
    expect(format.prologue(names.map(column)).toString()).toBe(
      `\ufeffid,'=1,"'\n+1",'\uff1d1,'\uff201,"a;b","a\tb",x-1\n`,
    );
    const bars = csvForSpreadsheets(
      { timeZone: 'UTC', withOffset: false },
      { ...plainCsv, delimiter: '|' },
    );
    expect(bars.prologue(['a,b', 'a|b', '=1'].map(column)).toString()).toBe(
      `\ufeff"a,b"|"a|b"|'=1\n`,
    );
  });
  test('is written as the rows are', () => {
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

/** By the rule of COPY: what has a sign in it, or is the same as NULL's, is between quotes. */
const copied = (rows: (string | null)[][], { delimiter, nullText }: CsvOptions): string =>
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

describe('rows of any delimiter, with any text for NULL', () => {
  const options = fc.record({
    delimiter: fc.constantFrom(...csvChoices.delimiter),
    nullText: fc.constantFrom('', 'NA', 'N'),
  });

  test('are shown as they are', () => {
    fc.assert(
      fc.property(table, options, (rows, said) => {
        const all = { ...plainCsv, ...said };
        expect(csvRows(copied(rows, all), all)).toEqual(rows);
      }),
    );
  });

  test('have CR before the LF that ends one and nowhere else, cut at every byte', async () => {
    await fc.assert(
      fc.asyncProperty(table, options, async (rows, said) => {
        const all = { ...plainCsv, ...said };
        const lines = rows.map((row) => copied([row], all));
        const wanted = lines.map((line) => `${line.slice(0, -1)}\r\n`).join('');
        const bytes = Buffer.from(lines.join(''));
        const single = [...bytes].map((byte) => Buffer.of(byte));
        expect(await ended(single)).toEqual({ text: wanted, rows: rows.length });
        for (let at = 0; at <= bytes.length; at++)
          expect(await ended([bytes.subarray(0, at), bytes.subarray(at)])).toEqual({
            text: wanted,
            rows: rows.length,
          });
      }),
      { numRuns: 50 },
    );
  });

  test('that end inside a row are none', async () => {
    for (const text of ['a', 'a\nb', '"a\n', '"a"'])
      await expect(ended([Buffer.from(text)])).rejects.toThrow('inside a row');
  });
});

async function ended(pieces: Buffer[]): Promise<{ text: string; rows: number }> {
  const encoder = new LineEnds();
  const made: Buffer[] = [];
  // Copied: a piece is its own only until the next is asked for.
  for await (const piece of encoder.encode(Readable.from(pieces))) made.push(Buffer.from(piece));
  return { text: Buffer.concat(made).toString(), rows: encoder.rows };
}
