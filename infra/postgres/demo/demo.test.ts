import { expect, test } from '@jest/globals';
import { csvChunks, type Row } from './csv.ts';
import { iot, readings } from './iot.ts';
import { orderCount, orderItems, orders, orderTimes, sales } from './sales.ts';
import { awkwardTexts } from './texts.ts';
import { dateText, microsPerDay, startOf, timestampText } from './time.ts';

const tables = [...sales.tables, ...iot.tables];
const commentIndex = 7;
const totalIndex = 4;

function first(rows: Iterable<Row>, count: number): Row[] {
  const result: Row[] = [];
  for (const row of rows) {
    if (result.push(row) === count) break;
  }
  return result;
}

/** Reads CSV by the rules of COPY: an unquoted empty field is null, a quoted one is ''. An unquoted \r is an error. */
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

test.each(tables)(
  '$name has the same rows at every call, with one field per column',
  ({ columns, rows }) => {
    const once = first(rows(), 3000);
    expect(first(rows(), 3000)).toEqual(once);
    expect(once.filter((row) => row.length !== columns.length)).toEqual([]);
  },
);

test.each(tables)('csvChunks writes rows of $name that COPY reads unchanged', ({ rows }) => {
  const some = first(rows(), 3000);
  expect(readCsv([...csvChunks(some)].join(''))).toEqual(asText(some));
});

test('csvChunks writes null as an unquoted empty field and the empty text as a quoted one', () => {
  expect([...csvChunks([[1, null, 'a']])]).toEqual(['1,,a\n']);
  expect([
    ...csvChunks([
      [1, null, ''],
      [2, 'b', 'c'],
    ]),
  ]).toEqual(['"1",,""\n2,b,c\n']);
});

test('csvChunks quotes a carriage return and \\.', () => {
  expect([...csvChunks([['a\rb', '\\.']])]).toEqual(['"a\rb","\\."\n']);
});

test('csvChunks ends every chunk with a row and loses none between chunks', () => {
  const rows = Array.from(
    { length: 1001 },
    (_, index): Row => [index, index % 500 === 0 ? '' : 'x\ny'],
  );
  const chunks = [...csvChunks(rows)];
  expect(chunks.length).toBeGreaterThan(1);
  expect(chunks.flatMap(readCsv)).toEqual(asText(rows));
});

test('the first orders have the awkward texts, later ones null, the empty text and 5,000 characters', () => {
  const comments = first(orders(), 10_000).map((row) => row[commentIndex]);
  expect(comments.slice(0, awkwardTexts.length)).toEqual(awkwardTexts);
  const later = comments.slice(awkwardTexts.length);
  expect(later).toContain(null);
  expect(later).toContain('');
  expect(String(comments[9999])).toHaveLength(5000);
});

test('awkwardTexts has a text of each kind that an export has to keep', () => {
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
  expect(kinds.filter((kind) => !awkwardTexts.some((text) => kind.test(text)))).toEqual([]);
});

test('orders are in time order and span exactly two years', () => {
  const times = [...orderTimes()];
  expect(times).toHaveLength(orderCount);
  expect(times[0]).toEqual({ id: 1, orderedAt: startOf('2024-01-01') });
  expect(times.at(-1)).toEqual({ id: orderCount, orderedAt: startOf('2026-01-01') - 1 });
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
  expect(first(orders(), totals.length).map((row) => row[totalIndex])).toEqual(totals);
});

test('readings lie within the requested time, no two at the same instant', () => {
  const [from, until] = [startOf('2025-12-30'), startOf('2026-01-01')];
  const instants = [...readings(from, until)].map((row) => String(row[1]));
  const inOrder = [timestampText(from), ...instants, timestampText(until)];
  expect(inOrder).toEqual([...new Set(inOrder)].toSorted());
  expect(instants.length).toBeGreaterThan(16_000);
});

test('timestampText and dateText write instants to the microsecond, also before 1970', () => {
  const instant = startOf('2024-02-29') + 45_296_000_007;
  expect(timestampText(instant)).toBe('2024-02-29T12:34:56.000007Z');
  expect(dateText(startOf('1940-01-01') + microsPerDay - 1)).toBe('1940-01-01');
});
