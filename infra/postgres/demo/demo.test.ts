import { expect, test } from '@jest/globals';
import { csvChunks, type Row } from './csv.ts';
import { iot, readings } from './iot.ts';
import { ORDERS, orderItems, orders, orderTimes, sales } from './sales.ts';
import { AWKWARD_TEXTS } from './texts.ts';
import { DAY, dateText, startOf, timestampText } from './time.ts';

const TABLES = [...sales.tables, ...iot.tables];
const COMMENT = 7;
const TOTAL = 4;

function first(rows: Iterable<Row>, count: number): Row[] {
  const taken: Row[] = [];
  for (const row of rows) {
    if (taken.push(row) === count) break;
  }
  return taken;
}

/** Reads CSV by the rules of COPY: a bare empty field is null, a quoted one is ''. A bare \r is refused. */
function readCsv(text: string): (string | null)[][] {
  const rows: (string | null)[][] = [];
  let row: (string | null)[] = [];
  for (const [, quoted, bare, end] of text.matchAll(/(?:"((?:[^"]|"")*)"|([^",\r\n]*))([,\n])/gy)) {
    row.push(quoted === undefined ? bare || null : quoted.replaceAll('""', '"'));
    if (end === '\n') {
      rows.push(row);
      row = [];
    }
  }
  return rows;
}

function asText(rows: readonly Row[]): (string | null)[][] {
  return rows.map((row) => row.map((field) => (field === null ? null : String(field))));
}

test.each(TABLES)('$name: the same rows at every call, one field a column', ({ columns, rows }) => {
  const once = first(rows(), 3000);
  expect(first(rows(), 3000)).toEqual(once);
  expect(once.filter((row) => row.length !== columns.length)).toEqual([]);
});

test.each(TABLES)('$name: what is written is what COPY reads', ({ rows }) => {
  const some = first(rows(), 3000);
  expect(readCsv([...csvChunks(some)].join(''))).toEqual(asText(some));
});

test('null is a bare empty field, the empty text a quoted one, also beside plain rows', () => {
  expect([...csvChunks([[1, null, 'a']])]).toEqual(['1,,a\n']);
  expect([
    ...csvChunks([
      [1, null, ''],
      [2, 'b', 'c'],
    ]),
  ]).toEqual(['"1",,""\n2,b,c\n']);
});

test('a carriage return and \\. are quoted', () => {
  expect([...csvChunks([['a\rb', '\\.']])]).toEqual(['"a\rb","\\."\n']);
});

test('every chunk ends at the end of a row, and no row is lost between chunks', () => {
  const rows = Array.from(
    { length: 1001 },
    (_, index): Row => [index, index % 500 === 0 ? '' : 'x\ny'],
  );
  const chunks = [...csvChunks(rows)];
  expect(chunks.length).toBeGreaterThan(1);
  expect(chunks.flatMap(readCsv)).toEqual(asText(rows));
});

test('the first orders carry the awkward texts, and later ones null, the empty text and 5,000 characters', () => {
  const comments = first(orders(), 10_000).map((row) => row[COMMENT]);
  expect(comments.slice(0, AWKWARD_TEXTS.length)).toEqual(AWKWARD_TEXTS);
  const later = comments.slice(AWKWARD_TEXTS.length);
  expect(later).toContain(null);
  expect(later).toContain('');
  expect(String(comments[9999])).toHaveLength(5000);
});

test('the awkward texts have each kind that must survive an export', () => {
  const kinds = [
    /^$/,
    /,/,
    /"/,
    /[^\r]\n/,
    /\r\n/,
    /\r[^\n]/,
    /\t/,
    /\\/,
    /\p{Extended_Pictographic}/u,
    /^ /,
    / $/,
    /^\\\.$/,
    /^\\N$/,
  ];
  expect(kinds.filter((kind) => !AWKWARD_TEXTS.some((text) => kind.test(text)))).toEqual([]);
});

test('orders come in time order, over exactly two years', () => {
  const times = [...orderTimes()];
  expect(times).toHaveLength(ORDERS);
  expect(times[0]).toEqual({ id: 1, orderedAt: startOf('2024-01-01') });
  expect(times.at(-1)).toEqual({ id: ORDERS, orderedAt: startOf('2026-01-01') - 1 });
  const misplaced = times.filter(({ id, orderedAt }, index) => {
    const before = times[index - 1];
    return before !== undefined && (id !== before.id + 1 || orderedAt < before.orderedAt);
  });
  expect(misplaced).toEqual([]);
});

test("an order's total is the sum of its items, each rounded to the cent", () => {
  const cents: number[] = [];
  for (const [order, , , quantity, price, discount] of first(orderItems(), 5000)) {
    const percent = 100 - Math.round(Number(discount) * 100);
    const exact = Number(quantity) * Math.round(Number(price) * 10_000) * percent;
    const index = Number(order) - 1;
    cents[index] = (cents[index] ?? 0) + Math.round(exact / 10_000);
  }
  const totals = cents.slice(0, -1).map((sum) => (sum / 100).toFixed(2)); // the last order may lack items
  expect(first(orders(), totals.length).map((row) => row[TOTAL])).toEqual(totals);
});

test('readings begin and end with the time asked for, no two at one instant', () => {
  const [from, until] = [startOf('2025-12-30'), startOf('2026-01-01')];
  const instants = [...readings(from, until)].map((row) => String(row[1]));
  const inOrder = [timestampText(from), ...instants, timestampText(until)];
  expect(inOrder).toEqual([...new Set(inOrder)].toSorted());
  expect(instants.length).toBeGreaterThan(16_000);
});

test('instants are written to the microsecond, before 1970 too', () => {
  const instant = startOf('2024-02-29') + 45_296_000_007;
  expect(timestampText(instant)).toBe('2024-02-29T12:34:56.000007Z');
  expect(dateText(startOf('1940-01-01') + DAY - 1)).toBe('1940-01-01');
});
