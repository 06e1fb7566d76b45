import { Readable } from 'node:stream';
import { describe, expect, test } from '@jest/globals';
import { readXlsx } from 'hucre/xlsx';
import { fromBufferPromise } from 'yauzl';
import { columnLetters, XlsxWriter } from './writer.ts';

const column = (name: string, type = 'text') => ({ name, type, base: type, nullable: true });

async function all(pieces: AsyncIterable<Buffer>): Promise<Buffer> {
  const out: Buffer[] = [];
  for await (const piece of pieces) out.push(piece);
  return Buffer.concat(out);
}

const written = (writer: XlsxWriter, ...pieces: (string | Buffer)[]): Promise<Buffer> =>
  all(
    writer.encode(
      Readable.from(pieces.map((it) => (typeof it === 'string' ? Buffer.from(it) : it))),
    ),
  );

/** All cells of each sheet, by an implementation that is not ours. */
async function sheetsOf(bytes: Buffer): Promise<unknown[][][]> {
  const { sheets } = await readXlsx(bytes);
  return sheets.map(({ rows }) => rows);
}

/** The parts of a workbook, and how many bytes each has. */
async function sizesOf(bytes: Buffer): Promise<[name: string, size: number][]> {
  const zip = await fromBufferPromise(bytes);
  const sizes: [string, number][] = [];
  for await (const { fileName, uncompressedSize } of zip.eachEntry())
    sizes.push([fileName, uncompressedSize]);
  return sizes;
}

test('columns are counted as spreadsheets do', () => {
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
  test('without rows has a header', async () => {
    const writer = new XlsxWriter([column('id'), column('at')]);
    expect(await sheetsOf(await written(writer))).toEqual([[['id', 'at']]]);
    expect(writer.rows).toBe(0);
  });

  test('has its header in bold, frozen, with a filter over all rows', async () => {
    const { sheets } = await readXlsx(
      await written(new XlsxWriter([column('id'), column('at')]), '1\t2\n\\N\t\n'),
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
  ])(
    'of sheets of three rows has for %d rows %d of them, each with a header',
    async (rows, count) => {
      const writer = new XlsxWriter([column('n', 'integer')], { rows: 3 });
      const lines = Array.from({ length: rows }, (_, n) => `${n}\n`);
      const sheets = await sheetsOf(await written(writer, lines.join('')));
      expect(writer.rows).toBe(rows);
      expect(sheets.map(([header]) => header)).toEqual(Array.from({ length: count }, () => ['n']));
      expect(sheets.flatMap((table) => table.slice(1).flat())).toEqual(lines.map(Number));
    },
  );

  test('begins another sheet before the XML of one has too many bytes', async () => {
    const writer = new XlsxWriter([column('n', 'integer'), column('t')], { bytes: 300_000 });
    const lines = Array.from({ length: 100 }, (_, n) => `${n}\t${'é'.repeat(5_000)}\n`);
    const bytes = await written(writer, ...lines);
    const sheets = await sheetsOf(bytes);
    expect(writer.rows).toBe(100);
    expect(sheets).toHaveLength(4);
    expect(sheets.map(([header]) => header)).toEqual(sheets.map(() => ['n', 't']));
    const numbers = sheets.flatMap((table) => table.slice(1).map(([n]) => n));
    expect(numbers).toEqual(lines.map((_, n) => n));
    // A piece of XML goes into one sheet.
    const sizes = (await sizesOf(bytes)).filter(([name]) => name.startsWith('xl/worksheets/'));
    expect(Math.max(...sizes.map(([, size]) => size))).toBeLessThan(300_000 + 150_000);
  });

  test('has a row in every sheet, however large it is', async () => {
    const writer = new XlsxWriter([column('t')], { bytes: 1 });
    const sheets = await sheetsOf(await written(writer, 'a\n', 'b\n'));
    expect(sheets).toEqual([
      [['t'], ['a']],
      [['t'], ['b']],
    ]);
  });

  test('fails on a value that is larger than a string can be, as soon as that is seen', async () => {
    let sent = 0;
    async function* source(): AsyncGenerator<Buffer> {
      yield Buffer.from('1\tshort\n2\t');
      for (; sent < 600; sent++) yield Buffer.alloc(1_024 * 1_024, 'x');
      yield Buffer.from('\n');
    }
    const writer = new XlsxWriter([column('id', 'integer'), column('the note')]);
    await expect(all(writer.encode(source()))).rejects.toMatchObject({
      code: 'cell_too_long',
      message: expect.stringMatching(
        /^Row 2 has more than 32,767 characters in the column the note;/,
      ),
    });
    expect(sent).toBeLessThan(100);
  });

  test('takes 32,767 characters in a cell and fails on one more, by row and column', async () => {
    const columns = [column('id', 'integer'), column('the note')];
    const most = 'é'.repeat(32_767);
    const [[, row] = []] = await sheetsOf(await written(new XlsxWriter(columns), `1\t${most}\n`));
    expect(row).toEqual([1, most]);
    await expect(
      written(new XlsxWriter(columns), `1\t${most}\n`, `2\t${most}e\n`),
    ).rejects.toMatchObject({
      code: 'cell_too_long',
      message: expect.stringMatching(/^Row 2 has 32,768 characters in the column the note;/),
    });
  });

  test('has the same sheets cut at every byte; of rows that end inside a row there is none', async () => {
    const rows = Buffer.from('1\ta\\tb\n2\t\\N\n3\té\\\\😀\n4\t\n');
    const make = (...pieces: Buffer[]) =>
      written(new XlsxWriter([column('n', 'integer'), column('t')], { rows: 3 }), ...pieces);
    const sheets = await sheetsOf(await make(rows));
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
      expect(await sheetsOf(await make(rows.subarray(0, at), rows.subarray(at)))).toEqual(sheets);
      if (rows[at - 1] !== 0x0a)
        await expect(make(rows.subarray(0, at))).rejects.toThrow('inside a row');
    }
  });

  test('fails as its source fails', async () => {
    async function* source(): AsyncGenerator<Buffer> {
      yield Buffer.from('1\n');
      throw new Error('the source went away');
    }
    const pieces = new XlsxWriter([column('id')]).encode(source());
    await expect(all(pieces)).rejects.toThrow('the source went away');
  });

  test('that nobody wants any more leaves its source', async () => {
    let left = false;
    async function* source(): AsyncGenerator<Buffer> {
      try {
        for (let n = 0; ; n++) yield Buffer.from(`${Math.random()}\n`.repeat(10_000));
      } finally {
        left = true;
      }
    }
    let bytes = 0;
    for await (const piece of new XlsxWriter([column('id')]).encode(source())) {
      bytes += piece.length;
      if (bytes > 100_000) break;
    }
    expect(left).toBe(true);
  });
});
