/** How a value is written the same by PostgreSQL and by DuckDB, without anything being lost. */
export interface Form {
  postgres: (column: string) => string;
  duck: (column: string) => string;
}
const plain: Form = { postgres: (c) => `${c}::text`, duck: (c) => `${c}::varchar` };
/** What PostgreSQL writes for it, which no cast is to alter. */
const written: Form = {
  postgres: (c) => `case when num_nulls(${c}) = 0 then format('%s', ${c}) end`,
  duck: (c) => c,
};
const hex: Form = { postgres: (c) => `encode(${c}, 'hex')`, duck: (c) => `lower(hex(${c}))` };
const microsOf = (c: string) =>
  `case when isfinite(${c}) then trunc(extract(epoch from ${c}) * 1000000)::text end`;
const moment: Form = { postgres: microsOf, duck: (c) => `epoch_us(${c})::varchar` };
const hour: Form = {
  postgres: (c) => `trunc(extract(epoch from ${c}) * 1000000)::text`,
  duck: (c) => `epoch_us(${c})::varchar`,
};
const day: Form = {
  postgres: (c) => `case when isfinite(${c}) then (${c} - date '1970-01-01')::text end`,
  duck: (c) => `(${c} - date '1970-01-01')::varchar`,
};
const exact: Form = {
  postgres: (c) => `case when ${c} not in ('NaN', 'Infinity', '-Infinity') then ${c}::text end`,
  // DuckDB leaves out a zero before the point.
  duck: (c) => `regexp_replace(${c}::varchar, '^(-?)[.]', '\\10.')`,
};
/** Compared as the numbers that they are: each writes the shortest text that is this number alone. */
export const floating: Form = { ...plain };
const listOf = (form: Form): Form => ({
  postgres: (c) =>
    `case when ${c} is not null then to_json(array(select ${form.postgres('e')} from unnest(${c}) e))::text end`,
  duck: (c) => `to_json(list_transform(${c}, lambda e: ${form.duck('e')}))::varchar`,
});

/** Type in PostgreSQL, type for DuckDB, name in the manifest, form, values; `nulled`: how many are NULL in the file. */
export const columns: [string, string, string, Form, string[], number?][] = [
  ['smallint', 'INTEGER', 'INT32', plain, ['-32768', '32767', '0']],
  ['integer', 'INTEGER', 'INT32', plain, ['-2147483648', '2147483647']],
  [
    'bigint',
    'BIGINT',
    'INT64',
    plain,
    ['9223372036854775807', '-9223372036854775808', '9007199254740993'],
  ],
  ['real', 'FLOAT', 'FLOAT', floating, ['3.4028235e38', '1e-45', '-0', 'NaN', 'Infinity', '0.1']],
  [
    'double precision',
    'DOUBLE',
    'DOUBLE',
    floating,
    ['1.7976931348623157e308', '5e-324', '-0', 'NaN', '-Infinity', '0.1'],
  ],
  ['boolean', 'BOOLEAN', 'BOOLEAN', plain, ['true', 'false']],
  [
    'numeric(38,18)',
    'DECIMAL(38,18)',
    'DECIMAL(38,18)',
    exact,
    [
      '99999999999999999999.999999999999999999',
      '-99999999999999999999.999999999999999999',
      '0.000000000000000001',
      'NaN',
      '0',
    ],
    1,
  ],
  [
    'numeric(38,0)',
    'DECIMAL(38,0)',
    'DECIMAL(38,0)',
    exact,
    ['99999999999999999999999999999999999999', '-10000000000000000000000000000000000000'],
  ],
  [
    'numeric(38,38)',
    'DECIMAL(38,38)',
    'DECIMAL(38,38)',
    exact,
    ['0.99999999999999999999999999999999999999', '-0.00000000000000000000000000000000000001'],
  ],
  ['numeric(19,1)', 'DECIMAL(19,1)', 'DECIMAL(19,1)', exact, ['999999999999999999.9', '-1.5']],
  [
    'numeric(18,9)',
    'DECIMAL(18,9)',
    'DECIMAL(18,9)',
    exact,
    ['999999999.999999999', '-999999999.999999999', 'NaN'],
    1,
  ],
  [
    'numeric(15,2)',
    'DECIMAL(15,2)',
    'DECIMAL(15,2)',
    exact,
    ['9999999999999.99', '-9999999999999.99', '-0.01'],
  ],
  [
    'numeric(9,4)',
    'DECIMAL(9,4)',
    'DECIMAL(9,4)',
    exact,
    ['99999.9999', '-99999.9999', '0.0001', '-0.0001'],
  ],
  ['numeric(4,0)', 'DECIMAL(4,0)', 'DECIMAL(4,0)', exact, ['1000', '-9999', '7']],
  [
    'numeric',
    'VARCHAR',
    'STRING',
    written,
    [
      '12345678901234567890123456789012345678901234567890',
      'NaN',
      'Infinity',
      '-0.000000000000000000000000000001',
      '1e130',
    ],
  ],
  [
    'numeric(50,10)',
    'VARCHAR',
    'STRING',
    written,
    ['1234567890123456789012345678901234567890.0123456789'],
  ],
  ['numeric(5,-2)', 'VARCHAR', 'STRING', written, ['12345']],
  [
    'timestamp with time zone',
    'TIMESTAMP WITH TIME ZONE',
    'TIMESTAMP(µs, UTC)',
    moment,
    [
      '9999-12-31 23:59:59.999999+00',
      '0001-01-01 00:00:00+00',
      '4713-01-01 00:00:00.000001+00 BC',
      '294247-01-10 04:00:54.775806+00',
      'infinity',
      '-infinity',
      '1969-12-31 23:59:59.999999+00',
    ],
    2,
  ],
  [
    'timestamp(3) without time zone',
    'TIMESTAMP',
    'TIMESTAMP(µs, local)',
    moment,
    ['9999-12-31 23:59:59.999', '0044-03-15 12:00 BC', 'infinity', '2024-02-29 00:00:00.001'],
    1,
  ],
  [
    'date',
    'DATE',
    'DATE',
    day,
    ['9999-12-31', '0001-01-01', '4713-01-01 BC', '5874897-12-31', '-infinity', '1970-01-01'],
    1,
  ],
  [
    'time without time zone',
    'TIME',
    'TIME(µs, local)',
    hour,
    ['00:00', '23:59:59.999999', '24:00', '00:00:00.000001'],
  ],
  [
    'uuid',
    'UUID',
    'UUID',
    plain,
    [
      'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11',
      '00000000-0000-0000-0000-000000000000',
      'ffffffff-ffff-ffff-ffff-ffffffffffff',
    ],
  ],
  ['json', 'JSON', 'JSON', plain, ['{ "a" : 1e400,\n "a": [ ] }', 'null', '"\\u0001😀"']],
  [
    'jsonb',
    'JSON',
    'JSON',
    plain,
    ['{"b": {"c": 12345678901234567890.123456789, "d": [[], {}]}}', 'null'],
  ],
  ['bytea', 'BLOB', 'BYTE_ARRAY', hex, ['\\x00ff0a0d22', '', '\\x5c78']],
  [
    'text',
    'VARCHAR',
    'STRING',
    written,
    ['', 'NULL', '\\N', '\t\n\r\u0001\u007f"\'\\', '👩‍👩‍👧 e\u0301 \uffff', '\u200fשלום', '=1+1'],
  ],
  ['character varying(10)', 'VARCHAR', 'STRING', written, ['', 'ä']],
  ['character(5)', 'VARCHAR', 'STRING', written, ['ab', '']],
  ['name', 'VARCHAR', 'STRING', written, ['pg_class']],
  ['"char"', 'VARCHAR', 'STRING', written, ['x', '']],
  ['mood', 'VARCHAR', 'STRING', written, ['glad', 'say "so"']],
  ['positive', 'VARCHAR', 'STRING', written, ['5']],
  ['host', 'VARCHAR', 'STRING', written, ['10.0.0.1']],
  ['pair', 'VARCHAR', 'STRING', written, ['(1,"a b")', '(,)']],
  ['inet', 'VARCHAR', 'STRING', written, ['10.0.0.1', '::1/64']],
  ['cidr', 'VARCHAR', 'STRING', written, ['10.0.0.0/8']],
  ['macaddr', 'VARCHAR', 'STRING', written, ['08:00:2b:01:02:03']],
  ['interval', 'VARCHAR', 'STRING', written, ['1 year -3 days 04:05:06.789', '-1 mons']],
  ['time with time zone', 'VARCHAR', 'STRING', written, ['12:00:00.5+02']],
  ['money', 'VARCHAR', 'STRING', written, ['12.5']],
  ['bit varying', 'VARCHAR', 'STRING', written, ['0101', '']],
  ['int4range', 'VARCHAR', 'STRING', written, ['[1,5)', 'empty']],
  [
    'tstzmultirange',
    'VARCHAR',
    'STRING',
    written,
    ['{[2024-01-01 00:00+00,2024-02-01 00:00+00),[2024-03-01 00:00+00,)}'],
  ],
  ['point', 'VARCHAR', 'STRING', written, ['(1.5,-2)']],
  ['tsvector', 'VARCHAR', 'STRING', written, ['fat:2A cat:1']],
  ['xml', 'VARCHAR', 'STRING', written, ['<a>\n</a>']],
  ['oid', 'VARCHAR', 'STRING', written, ['4294967295']],
  [
    'integer[]',
    'INTEGER[]',
    'LIST<INT32>',
    listOf(plain),
    ['{1,NULL,-2147483648}', '{}', '{NULL}', '[0:1]={7,8}'],
  ],
  ['boolean[]', 'BOOLEAN[]', 'LIST<BOOLEAN>', listOf(plain), ['{t,f,NULL,t,t,t,t,t,t,f}', '{}']],
  [
    'numeric(20,2)[]',
    'DECIMAL(20,2)[]',
    'LIST<DECIMAL(20,2)>',
    listOf(exact),
    ['{999999999999999999.99,NULL,NaN,-0.01}', '{}'],
    1,
  ],
  [
    'text[]',
    'VARCHAR[]',
    'LIST<STRING>',
    listOf(plain),
    ['{a,"",NULL,"NULL","b,c","{}"}', '{}', '{"\\"\\\\"}'],
  ],
  [
    'timestamp with time zone[]',
    'TIMESTAMP WITH TIME ZONE[]',
    'LIST<TIMESTAMP(µs, UTC)>',
    listOf(moment),
    ['{"2024-01-01 00:00:00.000001+00",infinity,NULL}'],
    1,
  ],
  [
    'uuid[]',
    'UUID[]',
    'LIST<UUID>',
    listOf(plain),
    ['{a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11,NULL}'],
  ],
  ['jsonb[]', 'JSON[]', 'LIST<JSON>', listOf(plain), ['{"{\\"a\\": 1}","null",NULL}']],
  ['bytea[]', 'BLOB[]', 'LIST<BYTE_ARRAY>', listOf(hex), ['{"\\\\x00ff","",NULL}']],
  ['mood[]', 'VARCHAR', 'STRING', written, ['{glad,NULL,"say \\"so\\""}', '{}']],
  ['inet[]', 'VARCHAR', 'STRING', written, ['{10.0.0.1,::1/64}']],
  ['numeric[]', 'VARCHAR', 'STRING', written, ['{1.50,NaN,NULL}', '{{1,2},{3,4}}']],
];
export const nameOf = (n: number): string => `c${n}`;
