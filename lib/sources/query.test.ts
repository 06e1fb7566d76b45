import { describe, expect, test } from '@jest/globals';
import { plainCsv } from '../contracts/format-capabilities.ts';
import { copyBinary, copyCsv } from './copy/statements.ts';
import type { SourceColumn } from './datasets.ts';
import { countRowsWithoutTimeSql } from './query.ts';

const id = { name: 'id', type: 'bigint', base: 'bigint', nullable: false };

function selection(time: SourceColumn | null, from?: string, to?: string) {
  const columns = time ? [id, time] : [id];
  return {
    dataset: {
      name: 'odd',
      schema: 'public',
      relation: 'o"dd',
      kind: 'table' as const,
      oid: 1,
      hasPages: true,
      columns,
      timeColumn: time,
    },
    columns,
    from,
    to,
    where: [],
    ordered: false,
  };
}

const at = (type: string, nullable = true) => ({ name: 'at', type, base: type, nullable });
const where = (type: string, from?: string, to?: string) =>
  / where (.*)\) to stdout/.exec(copyCsv(selection(at(type), from, to), plainCsv))?.[1];

describe('selectRows', () => {
  test('selectRows quotes identifiers', () => {
    expect(copyCsv(selection(null), plainCsv)).toBe(
      'copy (select r."id" from "public"."o""dd" r) to stdout (format csv)',
    );
  });

  test('copyBinary selects the text of the columns that are sent as text', () => {
    const columns = [id, { name: 'o"dd', type: 'inet', base: 'inet', nullable: true }];
    expect(copyBinary({ ...selection(null), columns }, ({ type }) => type === 'inet')).toBe(
      `copy (select r."id", case when pg_catalog.num_nulls(r."o""dd") operator("pg_catalog".=) 0 then pg_catalog.format('%s', r."o""dd") end from "public"."o""dd" r) to stdout (format binary)`,
    );
  });

  test('copyCsv writes a bound in the type of its column, so that its index is used', () => {
    const [from, to] = ['2024-03-01T00:00:00Z', '2024-04-01T12:30:00.5Z'];
    expect(where('timestamp with time zone', from, to)).toBe(
      `r."at" operator("pg_catalog".>=) '2024-03-01T00:00:00Z'::pg_catalog.timestamptz and r."at" operator("pg_catalog".<) '2024-04-01T12:30:00.5Z'::pg_catalog.timestamptz`,
    );
    expect(where('timestamp(3) without time zone', from, to)).toBe(
      `r."at" operator("pg_catalog".>=) '2024-03-01 00:00:00'::pg_catalog."timestamp" and r."at" operator("pg_catalog".<) '2024-04-01 12:30:00.5'::pg_catalog."timestamp"`,
    );
  });

  test('copyCsv compares a date as its midnight: a later instant begins with the next day', () => {
    expect(where('date', '2024-02-29T00:00:00Z', '2024-03-01T00:00:00Z')).toBe(
      `r."at" operator("pg_catalog".>=) '2024-02-29'::pg_catalog.date and r."at" operator("pg_catalog".<) '2024-03-01'::pg_catalog.date`,
    );
    expect(where('date', '2024-02-28T00:00:00.000001Z', '2024-12-31T23:59:59Z')).toBe(
      `r."at" operator("pg_catalog".>=) '2024-02-29'::pg_catalog.date and r."at" operator("pg_catalog".<) '2025-01-01'::pg_catalog.date`,
    );
    expect(where('date', '9999-12-31T12:00:00Z')).toBe(
      `r."at" operator("pg_catalog".>=) '10000-01-01'::pg_catalog.date`,
    );
  });

  test('copyCsv selects all rows without bounds', () => {
    expect(where('date')).toBeUndefined();
    expect(countRowsWithoutTimeSql(selection(at('date')))).toBeNull();
  });

  test('countRowsWithoutTimeSql counts rows only if the column is nullable', () => {
    const from = '2024-03-01T00:00:00Z';
    expect(countRowsWithoutTimeSql(selection(at('date'), from))).toBe(
      'select pg_catalog.count(*) as rows from "public"."o""dd" r where r."at" is null',
    );
    expect(countRowsWithoutTimeSql(selection(at('date', false), from))).toBeNull();
  });
});
