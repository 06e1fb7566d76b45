/** The SQL with which PostgreSQL and DuckDB write a value in the same form, without loss. */
export interface Form {
  postgres: (column: string) => string;
  duck: (column: string) => string;
  /** Maps both texts to the same value if the two databases write it differently. */
  meaning?: (written: string) => unknown;
}
const plain: Form = { postgres: (c) => `${c}::text`, duck: (c) => `${c}::varchar` };
const micros = (c: string): string => `trunc(extract(epoch from ${c}) * 1000000)::text`;

export const forms = {
  plain,
  /** The text that PostgreSQL writes, for types that a cast would change. */
  written: {
    postgres: (c) => `case when num_nulls(${c}) = 0 then format('%s', ${c}) end`,
    duck: (c) => c,
  },
  hex: { postgres: (c) => `encode(${c}, 'hex')`, duck: (c) => `lower(hex(${c}))` },
  timestamp: {
    postgres: (c) => `case when isfinite(${c}) then ${micros(c)} end`,
    duck: (c) => `epoch_us(${c})::varchar`,
  },
  time: { postgres: micros, duck: (c) => `epoch_us(${c})::varchar` },
  date: {
    postgres: (c) => `case when isfinite(${c}) then (${c} - date '1970-01-01')::text end`,
    duck: (c) => `(${c} - date '1970-01-01')::varchar`,
  },
  exact: {
    postgres: (c) => `case when ${c} not in ('NaN', 'Infinity', '-Infinity') then ${c}::text end`,
    // DuckDB omits a zero before the decimal point.
    duck: (c) => `regexp_replace(${c}::varchar, '^(-?)[.]', '\\10.')`,
  },
  /** Both databases write the shortest text that identifies the number. */
  floating: {
    ...plain,
    meaning: (written) => Number(written.replace('nan', 'NaN').replace('inf', 'Infinity')),
  },
} as const satisfies Record<string, Form>;

export const listForm = ({ meaning, ...form }: Form): Form => ({
  postgres: (c) =>
    `case when ${c} is not null then to_json(array(select ${form.postgres('e')} from unnest(${c}) e))::text end`,
  duck: (c) => `to_json(list_transform(${c}, lambda e: ${form.duck('e')}))::varchar`,
  meaning: (written) => {
    const elements: unknown = JSON.parse(written);
    return meaning && Array.isArray(elements)
      ? elements.map((it: unknown) => (typeof it === 'string' ? meaning(it) : it))
      : elements;
  },
});
