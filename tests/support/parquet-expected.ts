/** How a value is written the same by PostgreSQL and by DuckDB, without anything being lost. */
export interface Form {
  postgres: (column: string) => string;
  duck: (column: string) => string;
  /** Of what both write differently and mean the same. */
  meaning?: (written: string) => unknown;
}
const plain: Form = { postgres: (c) => `${c}::text`, duck: (c) => `${c}::varchar` };
const micros = (c: string): string => `trunc(extract(epoch from ${c}) * 1000000)::text`;

export const forms = {
  plain,
  /** What PostgreSQL writes for it, which no cast is to alter. */
  written: {
    postgres: (c) => `case when num_nulls(${c}) = 0 then format('%s', ${c}) end`,
    duck: (c) => c,
  },
  hex: { postgres: (c) => `encode(${c}, 'hex')`, duck: (c) => `lower(hex(${c}))` },
  moment: {
    postgres: (c) => `case when isfinite(${c}) then ${micros(c)} end`,
    duck: (c) => `epoch_us(${c})::varchar`,
  },
  hour: { postgres: micros, duck: (c) => `epoch_us(${c})::varchar` },
  day: {
    postgres: (c) => `case when isfinite(${c}) then (${c} - date '1970-01-01')::text end`,
    duck: (c) => `(${c} - date '1970-01-01')::varchar`,
  },
  exact: {
    postgres: (c) => `case when ${c} not in ('NaN', 'Infinity', '-Infinity') then ${c}::text end`,
    // DuckDB leaves out a zero before the point.
    duck: (c) => `regexp_replace(${c}::varchar, '^(-?)[.]', '\\10.')`,
  },
  /** Each writes the shortest text that is this number alone. */
  floating: {
    ...plain,
    meaning: (written) => Number(written.replace('nan', 'NaN').replace('inf', 'Infinity')),
  },
} as const satisfies Record<string, Form>;

export const listForm = (form: Form): Form => ({
  postgres: (c) =>
    `case when ${c} is not null then to_json(array(select ${form.postgres('e')} from unnest(${c}) e))::text end`,
  duck: (c) => `to_json(list_transform(${c}, lambda e: ${form.duck('e')}))::varchar`,
  meaning: (written) => JSON.parse(written),
});
