import { isUtf8 } from 'node:buffer';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { withoutTrailing } from '../contracts/trim-trailing.ts';
import { cutAt } from '../formats/testing/copy-binary.ts';
import { toCopyText } from '../formats/testing/copy-text.ts';
import { type SheetColumn, SheetRows } from '../formats/xlsx/sheet-rows.ts';
import { errorMessage } from '../runtime/errors.ts';
import { KernelMemory } from './kernel-memory.ts';
import type { KernelPlan } from './row-kernel.ts';
import {
  changedRow,
  encodeMessages,
  message,
  messagesOf,
  runs,
  withWrongLengths,
} from './testing/encode-messages.ts';
import { sheetKernel, xlsxKernel } from './xlsx-kernel.ts';

/** `SheetRows` is the specification of the kernel: both write the same XML, or fail with the same error. */
const column = (name: string, base: string): SheetColumn => ({ name, base });
const columns = [
  column('n', 'integer'),
  column('a <name>', 'text'),
  column('big', 'bigint'),
  column('price', 'numeric(12,4)'),
  column('ratio', 'double precision'),
  column('yes', 'boolean'),
  column('day', 'date'),
  column('at', 'timestamp(3) with time zone'),
  column('doc', 'jsonb'),
];

const specials = ['&', '<', '>', '"', '_', ' ', '\\', '\t', '\n', '\r', '\v', '\f', '\b'];
const spaces =
  '\u00a0\u1680\u2000\u200a\u200b\u2028\u2029\u202f\u205f\u3000\ufeff\u0085\u180e'.split('');
/** Values of each column, as PostgreSQL writes them before COPY escapes them. */
const texts = [
  ['', '\\N', '\\.', 'N', '\u007f', 'é', '😀', '\uffff', '\ufffe', '\ufffd', '\uffefx', 'ÿ', null],
  ['=1', '+1', '-1', '@a', "'=1", '-', '=', ' =1'],
  [...specials, ...spaces].flatMap((it) => [
    it,
    `${it}x`,
    `x${it}`,
    `x${it}y`,
    it + it,
    `x${it}${it}y`,
  ]),
  ['_x0041_', '_x0041', '_x00g1_', '__x0041_', '_x0041_x0042_', '_x0041\u0001', '_X0041_', '_'],
  ['_x0041\uffff', '_x0041\ufffe', '_x0041\uffef', '_x0041é', '_xAbCd\b', '_x0041\t', '_x0041\n'],
  ['_x0041\\', '_x0041\r', '_x0041\v', '_x0041\f', '_x004', '_x', '_x0041 ', '_x0041&'],
  Array.from({ length: 20 }, (_, n) => `${'x'.repeat(n)}  y`),
  Array.from({ length: 20 }, (_, n) => `${'x'.repeat(n)} & y ${'z'.repeat(n)}`),
  ['x'.repeat(15), 'x'.repeat(16), 'x'.repeat(17), '&'.repeat(33), '\u0001'.repeat(31)],
  Array.from({ length: 31 }, (_, n) => `${'x'.repeat(n)}${String.fromCharCode(n + 1)}y`),
].flat();
const whole = [
  ['0', '-0', '1', '-1', '9223372036854775807', '-9223372036854775808', '999999999999999'],
  ['1000000000000000', '1000000000000001', '-999999999999999', '9007199254740993', null],
].flat();
const decimals = [
  ['0.1000', '-0.0001', '99999999999.9999', '999999999999.9999', '12345678901.2345', '0.0000'],
  ['NaN', 'Infinity', '-Infinity', '0.000000000000000000000000000001', `1${'0'.repeat(299)}`],
  [
    `1${'0'.repeat(300)}`,
    `1${'0'.repeat(309)}`,
    `0.${'0'.repeat(310)}1`,
    `-0.${'0'.repeat(20)}`,
    '1.2.30000000000000',
  ],
  ['1000000000000000.0000000000', '123456789.0123456', '-0.00000000000000001234567890123456', null],
].flat();
const doubles = [
  [
    '0',
    '-0',
    '0.1',
    '1e-20',
    '-1e+308',
    '1.7976931348623157e+308',
    '5e-324',
    '2.2250738585072014e-308',
  ],
  ['2.225073858507201e-308', '1e-250', '1e+250', '1e-251', '1.5e+251', '-1.2345678901234567e-05'],
  ['NaN', 'Infinity', '-Infinity', '1.2.3456', '12345.678', '1e+15', '3.4028235e+38', null],
].flat();
const days = [
  [
    '1900-02-28',
    '1900-03-01',
    '1899-12-31',
    '1970-01-01',
    '2000-02-29',
    '9999-12-31',
    '0001-01-01',
  ],
  ['10000-01-01', 'infinity', '-infinity', '4713-01-01 BC', '2024-03-01', '2100-02-28', null],
].flat();
const times = [
  [
    '2024-02-29 01:02:03.5',
    '2024-02-29 00:00:00',
    '1900-03-01 00:00:00',
    '1900-02-28 23:59:59.999999',
  ],
  [
    '9999-12-31 23:59:59.999',
    '9999-12-31 23:59:59.9991',
    '9999-12-31 23:59:59',
    '0044-03-15 00:00:00 BC',
  ],
  [
    'infinity',
    '-infinity',
    '12024-01-01 00:00:00.000001',
    '2024-01-01 00:00:00+02',
    '2024-01-01 12:00:00',
  ],
  ['2024-01-01 00:00:00.000001', '2024-01-01 00:00:00+05:30', '2024-06-30 23:59:60', null],
].flat();
const hostile: (string | null)[][] = [
  ['0', '-2147483648', '2147483647', null],
  texts,
  whole,
  decimals,
  doubles,
  ['t', 'f', null],
  days,
  times,
  ['{}', '{"a": "b\\n\\"\\\\ \\u0001"}', '[1, 2]', '"  "', '{"😀": "é"}', '"<&>"', null],
];

const rowsOf = (copyText: Buffer): Buffer[] => {
  const rows: Buffer[] = [];
  for (let at = 0; at < copyText.length; ) {
    const end = copyText.indexOf('\n', at) + 1;
    rows.push(copyText.subarray(at, end));
    at = end;
  }
  return rows;
};

/** Marks the end of a sheet in the output, with the number of its last row. */
const endOf = (row: number): string => `[${row}]`;

/** Returns what `SheetRows` makes of rows, each of which came in a message of its own: text, or its error. */
function expected(
  rows: readonly Buffer[],
  described: readonly SheetColumn[],
  rowsOfSheet = 1_048_576,
): string {
  const sheetRows = new SheetRows(described);
  let xml = '';
  let number = 1;
  try {
    for (const [n, row] of rows.entries()) {
      if (row.indexOf('\n') !== row.length - 1 || row.length === 0)
        throw new Error(`row ${n + 1} is not what the server sends`);
      if (number === rowsOfSheet) {
        xml += endOf(number);
        number = 1;
      }
      xml += sheetRows.xml(row.toString().slice(0, -1), ++number, n + 1);
    }
  } catch (error) {
    return errorMessage(error);
  }
  return xml + endOf(number);
}

function planOf(
  described: readonly SheetColumn[],
  rowsOfSheet = 1_048_576,
  rows = new SheetRows(described),
): KernelPlan {
  const plan = sheetKernel(described, {
    rows: rowsOfSheet,
    create: (emit) => ({
      rows,
      pending: undefined,
      write: (xml) => emit(xml),
      isFull: (row) => row >= rowsOfSheet,
      endSheet: (row) => emit(Buffer.from(endOf(row))),
      end: () => undefined,
    }),
  });
  if (!plan) throw new Error('the kernel has no room for these columns');
  return plan;
}

const outcomeOf = (plan: KernelPlan, chunks: readonly Buffer[], elsewhere?: boolean): string => {
  try {
    return encodeMessages(plan, chunks, elsewhere).bytes.toString();
  } catch (error) {
    return errorMessage(error);
  }
};

describe('the kernel of XLSX', () => {
  const plan = planOf(columns);

  test('writes what SheetRows writes of every hostile value in every column', () => {
    const length = Math.max(...hostile.map((values) => values.length));
    // Each column steps through its values at its own pace, so that neighbours differ.
    const rows = Array.from({ length: 3 * length }, (_, row) =>
      hostile.map((values) => values[row % values.length] ?? null),
    );
    const sent = rowsOf(toCopyText(rows));
    expect(outcomeOf(plan, [messagesOf(sent)])).toBe(expected(sent, columns));
  });

  test('writes every hostile value as the only one of a row, whatever its column is', () => {
    const values = hostile.flat();
    for (const { base } of columns) {
      const described = [column('c', base)];
      const sent = rowsOf(toCopyText(values.map((value) => [value])));
      for (const row of sent)
        expect([base, outcomeOf(planOf(described), [messagesOf([row])])]).toEqual([
          base,
          expected([row], described),
        ]);
    }
  });

  test('leaves no row with usual values to SheetRows', () => {
    class CountingRows extends SheetRows {
      count = 0;
      override xml(line: string, number: number, row: number): string {
        this.count++;
        return super.xml(line, number, row);
      }
    }
    const rows = new CountingRows(columns);
    const sent = rowsOf(
      toCopyText([
        [
          '1',
          ' =a_x0041_ <&>\t\r',
          '9007199254740993',
          '-0.1000',
          '1e-20',
          't',
          '-infinity',
          '2024-02-29 01:02:03.5',
          '{}',
        ],
        [null, 'x'.repeat(32_767), '0', 'NaN', 'Infinity', 'f', '1899-12-31', 'infinity', '"  "'],
        [
          '-1',
          '',
          null,
          '12345678901234567890.5',
          '-1.5',
          null,
          '2024-02-29',
          '4713-01-01 00:00:00 BC',
          '[]',
        ],
      ]),
    );
    expect(outcomeOf(planOf(columns, 10, rows), [messagesOf(sent)])).toBe(expected(sent, columns));
    expect(rows.count).toBe(0);
  });

  test('writes the same wherever the bytes are cut', () => {
    const rows = Array.from({ length: 5 }, (_, row) =>
      hostile.map((values) => values[(7 * row) % values.length] ?? null),
    );
    const sent = rowsOf(toCopyText(rows));
    const bytes = Buffer.concat([
      message('N', Buffer.from('SNOTICE\0\0')),
      messagesOf(sent.slice(0, 2)).subarray(0, -5),
      message('S', Buffer.from('TimeZone\0UTC\0')),
      messagesOf(sent.slice(2)),
    ]);
    const all = expected(sent, columns);
    for (const elsewhere of [false, true])
      for (let at = 0; at <= bytes.length; at++)
        expect(outcomeOf(plan, cutAt(bytes, [at]), elsewhere)).toBe(all);
    expect(
      outcomeOf(
        plan,
        [...bytes].map((byte) => Buffer.from([byte])),
      ),
    ).toBe(all);
  });

  const pad = (number: number, length: number): string => String(number).padStart(length, '0');
  /** Any time in microseconds from 1899 to 10000, as PostgreSQL writes it. */
  const instant = fc
    .tuple(
      fc.integer({ min: -2_208_988_800_000, max: 253_402_300_800_000 }),
      fc.constantFrom(1, 1_000, 60_000, 86_400_000),
      fc.oneof(fc.integer({ min: 0, max: 999_999 }), fc.constant(0)),
    )
    .map(([milliseconds, step, micros]) => {
      const at = new Date(Math.floor(milliseconds / step) * step);
      const fraction = withoutTrailing(pad(micros, 6), '0');
      return `${pad(at.getUTCFullYear(), 4)}-${at.toISOString().slice(-19, -14)} ${at.toISOString().slice(-13, -5)}${fraction && `.${fraction}`}`;
    });

  test('writes what SheetRows writes of any values, wherever the bytes are cut', () => {
    const unit = fc.constantFrom(
      ...specials,
      ...spaces,
      ...'_x0041\u0001\uffff-=é😀z'.split(''),
      'xxxx',
    );
    const text = fc
      .oneof(fc.string({ unit: 'binary', maxLength: 60 }), fc.string({ unit, maxLength: 60 }))
      // A half of a pair is no character of UTF-8.
      .map((it) => it.replaceAll('\0', '').toWellFormed());
    const digits = fc.bigInt({ min: -(10n ** 20n), max: 10n ** 20n });
    const value = [
      fc.integer().map(String),
      text,
      fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(String),
      fc.tuple(digits, fc.nat(25), fc.nat(12)).map(([unscaled, scale, zeros]) => {
        const all = `${unscaled < 0n ? -unscaled : unscaled}${'0'.repeat(zeros)}`.padStart(
          scale + 1,
          '0',
        );
        const point = all.length - scale;
        return `${unscaled < 0n ? '-' : ''}${all.slice(0, point)}${scale === 0 ? '' : `.${all.slice(point)}`}`;
      }),
      fc.double().map((it) => (Object.is(it, -0) ? '-0' : String(it))),
      fc.constantFrom('t', 'f'),
      instant.map((it) => it.slice(0, 10)),
      fc.oneof(instant, fc.constantFrom(...times.filter((it) => it !== null))),
      fc.json(),
    ];
    const rows = fc.array(fc.tuple(...value.map((it) => fc.option(it, { freq: 4 }))), {
      maxLength: 20,
    });
    fc.assert(
      fc.property(
        rows,
        fc.array(fc.nat(), { maxLength: 6 }),
        fc.boolean(),
        (all, cuts, elsewhere) => {
          const sent = rowsOf(toCopyText(all));
          const chunks = cutAt(messagesOf(sent), cuts);
          expect(outcomeOf(plan, chunks, elsewhere)).toBe(expected(sent, columns));
        },
      ),
      { numRuns: runs },
    );
  });

  test('writes the numbers of times as JavaScript does', () => {
    const described = [column('at', 'timestamp without time zone')];
    const ofTimes = planOf(described);
    fc.assert(
      fc.property(fc.array(instant, { minLength: 200, maxLength: 400 }), (all) => {
        const sent = rowsOf(toCopyText(all.map((it) => [it])));
        expect(outcomeOf(ofTimes, [messagesOf(sent)]) === expected(sent, described)).toBe(true);
      }),
      { numRuns: runs },
    );
    // Fractions of a day with 11 binary places: far from 1900 two decimal numbers are equally close to them.
    const halves = Array.from({ length: 2_048 }, (_, n) => {
      const seconds = (n * 86_400) / 2_048;
      const [hours, minutes] = [Math.floor(seconds / 3_600), Math.floor(seconds / 60) % 60];
      const rest = withoutTrailing((seconds % 60).toFixed(6).padStart(9, '0'), '0');
      return `${pad(3_400 + 3 * n, 4)}-01-${pad(1 + (n % 28), 2)} ${pad(hours, 2)}:${pad(minutes, 2)}:${withoutTrailing(rest, '.')}`;
    });
    const sent = rowsOf(toCopyText(halves.map((it) => [it])));
    expect(outcomeOf(ofTimes, [messagesOf(sent)])).toBe(expected(sent, described));
  });

  test('begins another sheet after a number of rows, also with a row that it leaves', () => {
    const described = [column('n', 'integer'), column('t', 'text')];
    const long = 'é'.repeat(20_000);
    for (const values of [
      ['a', 'b', 'c', 'd', 'e', 'f', 'g'],
      [long, 'b', long, long, 'e', 'f', long],
      ['a', long, 'c', long, 'e', long, 'g'],
    ])
      for (let length = 0; length <= values.length; length++) {
        const sent = rowsOf(toCopyText(values.slice(0, length).map((it, n) => [String(n), it])));
        expect(outcomeOf(planOf(described, 3), [messagesOf(sent)])).toBe(
          expected(sent, described, 3),
        );
      }
  });

  test('has row numbers of any length', () => {
    const described = [column('n', 'integer')];
    const sent = rowsOf(toCopyText(Array.from({ length: 101_000 }, (_, n) => [String(n)])));
    expect(outcomeOf(planOf(described), [messagesOf(sent)]) === expected(sent, described)).toBe(
      true,
    );
  });

  test('writes rows of any length, those that it leaves to SheetRows too', () => {
    const { maxRowBytes } = KernelMemory;
    const described = Array.from({ length: 9 }, (_, n) => column(`c${n}`, 'text'));
    const rest = 8 * 32_766 + 8;
    const lengths = [maxRowBytes - 1, maxRowBytes, maxRowBytes + 1, rest + 2, 1_000, rest + 30_000];
    for (const unit of ['x', '\u0001', '&', '_']) {
      const sent = lengths.map((length) => {
        const all = unit.repeat(length - described.length);
        const cell = Math.ceil(all.length / described.length);
        const values = described.map((_, n) => all.slice(n * cell, (n + 1) * cell));
        return Buffer.from(`${values.join('\t')}\n`);
      });
      const encoded = encodeMessages(planOf(described), [messagesOf(sent)]);
      expect(encoded.rows).toBe(lengths.length);
      expect(encoded.bytes.toString() === expected(sent, described)).toBe(true);
    }
  });

  test('fails on a cell of more than 32,767 characters with the row and the column', () => {
    const described = [column('n', 'integer'), column('the note', 'text')];
    const notes = planOf(described);
    const fits = ['x', 'é', '😀'].map((unit) => unit.repeat(32_767 / unit.length));
    const sent = rowsOf(toCopyText([...fits, 'y'].map((note, n) => [String(n), note])));
    expect(outcomeOf(notes, [messagesOf(sent)]) === expected(sent, described)).toBe(true);
    for (const note of ['x'.repeat(32_768), 'é'.repeat(32_768), '\t'.repeat(300_000)]) {
      const failing = rowsOf(
        toCopyText([
          ['1', 'fits'],
          ['2', note],
        ]),
      );
      const outcome = outcomeOf(notes, [messagesOf(failing)]);
      expect(outcome).toBe(expected(failing, described));
      expect(outcome).toMatch(/^Row 2 has [\d,]+ characters in the column the note;/);
    }
  });

  const [valid = Buffer.alloc(0)] = rowsOf(
    toCopyText([
      ['1', 'a_x "b"\n', '2', '-1.5', '1.25', 't', '2024-02-29', '2024-02-29 01:02:03', '{"a": 1}'],
    ]),
  );

  test('encodes control characters as SheetRows does at any place of a row, although the server escapes them', () => {
    const controls = Array.from({ length: 32 }, (_, n) => n).filter((n) => n !== 9 && n !== 10);
    const places = [...valid.keys()].filter((at) => valid[at] !== 9 && valid[at] !== 10);
    const rows = places.flatMap((at) => controls.map((byte) => changedRow(valid, [[at, byte]])));
    expect(outcomeOf(plan, [messagesOf(rows)]) === expected(rows, columns)).toBe(true);
  });

  test('encodes or refuses bytes that the server never sends as SheetRows does, within its regions', () => {
    const change = fc.tuple(
      fc.nat(valid.length - 1),
      fc.oneof(fc.nat(255), fc.constantFrom(...Buffer.from('\t\n\\"N+ -_.e&')), fc.constant(-1)),
    );
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 3 }), (changes) => {
        const row = changedRow(valid, changes);
        const encoded = outcomeOf(plan, [messagesOf([valid, row])]);
        // The server checks that text is UTF-8.
        if (isUtf8(row)) expect(encoded).toBe(expected([valid, row], columns));
      }),
      { numRuns: 10 * runs },
    );
  });

  test('reads and writes nothing outside of the messages, whatever lengths they claim', () => {
    const sent = messagesOf(rowsOf(toCopyText([hostile.map((values) => values[0] ?? null)])));
    for (const wrong of withWrongLengths(sent)) {
      // It ends, with an error or waiting for bytes; `encodeMessages` looks at the memory around the regions.
      expect(typeof outcomeOf(plan, [wrong])).toBe('string');
    }
  });

  test('encodes rows of as many columns as a statement can have', () => {
    const many = Array.from({ length: 1_664 }, (_, n) => column(`c${n}`, 'text'));
    const sent = rowsOf(
      toCopyText([many.map(({ name }) => name), many.map(() => null), many.map(() => '\u0001')]),
    );
    expect(outcomeOf(planOf(many), [messagesOf(sent)]) === expected(sent, many)).toBe(true);
  });
});

test('there is no kernel for rows without columns', () => {
  expect(xlsxKernel([])).toBeUndefined();
});
