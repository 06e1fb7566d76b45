import { Readable } from 'node:stream';
import { describe, expect, test } from '@jest/globals';
import { readXlsx } from 'hucre/xlsx';
import { fromBufferPromise } from 'yauzl';
import { XlsxEncoder } from './encoder.ts';
import { columnLetters } from './sheet-rows.ts';

const column = (name: string, type = 'text') => ({ name, type, base: type, nullable: true });

async function all(chunks: AsyncIterable<Buffer>): Promise<Buffer> {
  const out: Buffer[] = [];
  for await (const chunk of chunks) out.push(chunk);
  return Buffer.concat(out);
}

const workbookOf = (writer: XlsxEncoder, ...chunks: (string | Buffer)[]): Promise<Buffer> =>
  all(
    writer.encode(
      Readable.from(chunks.map((it) => (typeof it === 'string' ? Buffer.from(it) : it))),
    ),
  );

/** Returns all cells of each sheet, read by an independent implementation. */
async function sheetsOf(bytes: Buffer): Promise<unknown[][][]> {
  const { sheets } = await readXlsx(bytes);
  return sheets.map(({ rows }) => rows);
}

/** Returns the entries of a workbook with their uncompressed bytes. */
async function sizesOf(bytes: Buffer): Promise<[name: string, size: number][]> {
  const zip = await fromBufferPromise(bytes);
  const sizes: [string, number][] = [];
  for await (const { fileName, uncompressedSize } of zip.eachEntry())
    sizes.push([fileName, uncompressedSize]);
  return sizes;
}

test('columnLetters counts columns like spreadsheets', () => {
  expect([0, 25, 26, 701, 702, 16_383].map(columnLetters)).toEqual([
    'A',
    'Z',
    'AA',
    'ZZ',
    'AAA',
    'XFD',
  ]);
});

describe('a workbook', () => {
  test('has a header if there are no rows', async () => {
    const writer = new XlsxEncoder([column('id'), column('at')]);
    expect(await sheetsOf(await workbookOf(writer))).toEqual([[['id', 'at']]]);
    expect(writer.rows).toBe(0);
  });

  test('has a header in bold, which is frozen, and a filter for all rows', async () => {
    const { sheets } = await readXlsx(
      await workbookOf(new XlsxEncoder([column('id'), column('at')]), '1\t2\n\\N\t\n'),
      { readStyles: true },
    );
    const [sheet] = sheets;
    expect(sheet?.freezePane).toMatchObject({ rows: 1 });
    expect(sheet?.autoFilter).toMatchObject({ range: 'A1:B3' });
    expect(sheet?.cells?.get('0,0')?.style?.font?.bold).toBe(true);
    expect(sheet?.rows).toEqual([
      ['id', 'at'],
      ['1', '2'],
      [null, ''],
    ]);
  });

  test.each([
    [0, 1],
    [2, 1],
    [3, 2],
    [4, 2],
    [5, 3],
  ])('with sheets of 3 rows has for %d rows %d sheets, each with a header', async (rows, count) => {
    const writer = new XlsxEncoder([column('n', 'integer')], { rows: 3 });
    const lines = Array.from({ length: rows }, (_, n) => `${n}\n`);
    const sheets = await sheetsOf(await workbookOf(writer, lines.join('')));
    expect(writer.rows).toBe(rows);
    expect(sheets.map(([header]) => header)).toEqual(Array.from({ length: count }, () => ['n']));
    expect(sheets.flatMap((table) => table.slice(1).flat())).toEqual(lines.map(Number));
  });

  test('starts another sheet when the XML of one reaches its maximum of bytes', async () => {
    const writer = new XlsxEncoder([column('n', 'integer'), column('t')], { bytes: 300_000 });
    const lines = Array.from({ length: 100 }, (_, n) => `${n}\t${'é'.repeat(5_000)}\n`);
    const bytes = await workbookOf(writer, ...lines);
    const sheets = await sheetsOf(bytes);
    expect(writer.rows).toBe(100);
    expect(sheets).toHaveLength(4);
    expect(sheets.map(([header]) => header)).toEqual(sheets.map(() => ['n', 't']));
    const numbers = sheets.flatMap((table) => table.slice(1).map(([n]) => n));
    expect(numbers).toEqual(lines.map((_, n) => n));
    // A sheet may exceed the maximum by one chunk of XML.
    const sizes = (await sizesOf(bytes)).filter(([name]) => name.startsWith('xl/worksheets/'));
    expect(Math.max(...sizes.map(([, size]) => size))).toBeLessThan(300_000 + 150_000);
  });

  test('has at least one row in every sheet, however large the row is', async () => {
    const writer = new XlsxEncoder([column('t')], { bytes: 1 });
    const sheets = await sheetsOf(await workbookOf(writer, 'a\n', 'b\n'));
    expect(sheets).toEqual([
      [['t'], ['a']],
      [['t'], ['b']],
    ]);
  });

  test('fails early on a value that is longer than a string can be', async () => {
    let sent = 0;
    async function* source(): AsyncGenerator<Buffer> {
      yield Buffer.from('1\tshort\n2\t');
      for (; sent < 600; sent++) yield Buffer.alloc(1_024 * 1_024, 'x');
      yield Buffer.from('\n');
    }
    const writer = new XlsxEncoder([column('id', 'integer'), column('the note')]);
    await expect(all(writer.encode(source()))).rejects.toMatchObject({
      code: 'cell_too_long',
      message: expect.stringMatching(
        /^Row 2 has more than 32,767 characters in the column the note;/,
      ),
    });
    expect(sent).toBeLessThan(100);
  });

  test('accepts 32,767 characters in a cell, and fails on one more with the row and the column', async () => {
    const columns = [column('id', 'integer'), column('the note')];
    const max = 'é'.repeat(32_767);
    const [[, row] = []] = await sheetsOf(
      await workbookOf(new XlsxEncoder(columns), `1\t${max}\n`),
    );
    expect(row).toEqual([1, max]);
    await expect(
      workbookOf(new XlsxEncoder(columns), `1\t${max}\n`, `2\t${max}e\n`),
    ).rejects.toMatchObject({
      code: 'cell_too_long',
      message: expect.stringMatching(/^Row 2 has 32,768 characters in the column the note;/),
    });
  });

  test('has the same sheets wherever the input is cut, and fails if the input ends inside a row', async () => {
    const rows = Buffer.from('1\ta\\tb\n2\t\\N\n3\té\\\\😀\n4\t\n');
    const encode = (...chunks: Buffer[]) =>
      workbookOf(new XlsxEncoder([column('n', 'integer'), column('t')], { rows: 3 }), ...chunks);
    const sheets = await sheetsOf(await encode(rows));
    expect(sheets).toEqual([
      [
        ['n', 't'],
        [1, 'a\tb'],
        [2, null],
      ],
      [
        ['n', 't'],
        [3, 'é\\😀'],
        [4, ''],
      ],
    ]);
    for (let at = 1; at < rows.length; at++) {
      expect(await sheetsOf(await encode(rows.subarray(0, at), rows.subarray(at)))).toEqual(sheets);
      if (rows[at - 1] !== 0x0a)
        await expect(encode(rows.subarray(0, at))).rejects.toThrow('inside a row');
    }
  });

  test('fails with the error of its source', async () => {
    async function* source(): AsyncGenerator<Buffer> {
      yield Buffer.from('1\n');
      throw new Error('the source went away');
    }
    const chunks = new XlsxEncoder([column('id')]).encode(source());
    await expect(all(chunks)).rejects.toThrow('the source went away');
  });

  test('ends its source if its consumer stops early', async () => {
    let hasEnded = false;
    async function* source(): AsyncGenerator<Buffer> {
      try {
        for (let n = 0; ; n++) yield Buffer.from(`${Math.random()}\n`.repeat(10_000));
      } finally {
        hasEnded = true;
      }
    }
    let bytes = 0;
    for await (const chunk of new XlsxEncoder([column('id')]).encode(source())) {
      bytes += chunk.length;
      if (bytes > 100_000) break;
    }
    expect(hasEnded).toBe(true);
  });
});
