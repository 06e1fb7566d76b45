import {
  arrayOf,
  bigint,
  boolean,
  bytea,
  date,
  decimal,
  type ExpectedColumn,
  floating,
  integer,
  json,
  listOf,
  nested,
  numeric,
  text,
  time,
  timestamp,
  timestamptz,
  unprotected,
  uuid,
  vectorOf,
} from './expected-values.ts';

/** A type, its expected form in the files, and edge-case values of it. */
export interface EdgeCaseType {
  type: string;
  expected: ExpectedColumn;
  values: readonly string[];
  /** How many of the values are NULL in Parquet, by the policy for unsupported values. */
  nullified?: number;
}

/** The test types, in a schema on the search path. */
export const ownTypes = `
  create extension hstore;
  create extension citext;
  create extension ltree;
  create type mood as enum ('glad', 'say "so"', '=1+1', E'a,\\n''b''');
  create type pair as (x bigint, y text, z bytea);
  create type measure as (f float8, n numeric, at timestamptz, d date);
  create type span as range (subtype = float8);
  create domain positive as int check (value > 0);
  create domain big as bigint;
  create domain bigger as big check (value <> 7);
  create domain price as numeric(12, 2);
  create domain loose as numeric;
  create domain bytes as bytea;
  create domain label as text;
  create domain host as inet;
  create domain flag as boolean;
  create domain birthday as date;
  create domain instant as timestamptz(3);
  create domain document as json;
  create domain feeling as mood;
  create domain couple as pair;
  create domain bigs as bigint[];
  create domain prices as price[];
  create domain blobs as bytes[];`;

const words = [
  '',
  ' ',
  'NULL',
  '\\N',
  '\\.',
  '\t\n\r\r\n\u0001\u001f\u007f\b\f\v',
  '"\'\\,;|`',
  '👩‍👩‍👧 e\u0301 \uffff \u{10ffff}',
  '\u200fשלום \u202e abc',
  '\u2028\u2029\ufeff\u0085',
  '=1+1',
  `=cmd|'/c calc'!A0`,
  '+1',
  '-1',
  '@SUM(A1)',
  '\t=1',
  '\r=1',
  '\n=1',
  '\uff1d1+1',
  '\uff0b1',
  '\uff0d1',
  '\uff20SUM(A1)',
  'x;=1+1',
  'x\t=1+1',
  '_x0041_',
  '<a>&amp;]]>',
  '  two  spaces  ',
  '00123',
  '1e5',
];

const rows = {
  '(9007199254740993,"a b","\\\\x00ff")': {
    x: { number: '9007199254740993' },
    y: 'a b',
    z: '\\x00ff',
  },
  '(,,)': { x: null, y: null, z: null },
  '(1,"","\\\\x")': { x: { number: '1' }, y: '', z: '\\x' },
};
const pair = nested('object', rows);

const measures = {
  '(NaN,Infinity,infinity,-infinity)': {
    f: 'NaN',
    n: 'Infinity',
    at: 'infinity',
    d: '-infinity',
  },
  '(-0,0.10,"0044-03-15 12:00:00+00 BC",12024-01-01)': {
    f: { number: '-0' },
    n: { number: '0.10' },
    at: '0044-03-15T12:00:00+00:00 BC',
    d: '12024-01-01',
  },
};
const hstores = { '': {}, '"a"=>"1", "b"=>NULL': { a: '1', b: null } };

const numbers: readonly EdgeCaseType[] = [
  { type: 'smallint', expected: integer('INTEGER', 'INT32'), values: ['-32768', '32767', '0'] },
  { type: 'integer', expected: integer('INTEGER', 'INT32'), values: ['-2147483648', '2147483647'] },
  {
    type: 'bigint',
    expected: bigint,
    values: [
      '9223372036854775807',
      '-9223372036854775808',
      '9007199254740993',
      '999999999999999',
      '1000000000000000000',
    ],
  },
  {
    type: 'real',
    expected: floating('FLOAT'),
    values: ['3.4028235e38', '1e-45', '-0', 'NaN', 'Infinity', '-Infinity', '0.1', '16777217'],
  },
  {
    type: 'double precision',
    expected: floating('DOUBLE'),
    values: ['1.7976931348623157e308', '5e-324', '-0', 'NaN', '-Infinity', 'Infinity', '0.1'],
  },
  {
    type: 'numeric(38,18)',
    expected: decimal(38, 18),
    values: [
      '99999999999999999999.999999999999999999',
      '-99999999999999999999.999999999999999999',
      '0.000000000000000001',
      'NaN',
      '0',
    ],
    nullified: 1,
  },
  {
    type: 'numeric(38,0)',
    expected: decimal(38, 0),
    values: ['99999999999999999999999999999999999999', '-10000000000000000000000000000000000000'],
  },
  {
    type: 'numeric(38,38)',
    expected: decimal(38, 38),
    values: [
      '0.99999999999999999999999999999999999999',
      '-0.00000000000000000000000000000000000001',
    ],
  },
  { type: 'numeric(19,1)', expected: decimal(19, 1), values: ['999999999999999999.9', '-1.5'] },
  {
    type: 'numeric(18,9)',
    expected: decimal(18, 9),
    values: ['999999999.999999999', '-999999999.999999999', 'NaN'],
    nullified: 1,
  },
  {
    type: 'numeric(15,2)',
    expected: decimal(15, 2),
    values: ['9999999999999.99', '-9999999999999.99', '-0.01'],
  },
  {
    type: 'numeric(9,4)',
    expected: decimal(9, 4),
    values: ['99999.9999', '-99999.9999', '0.0001', '-0.0001'],
  },
  { type: 'numeric(4,0)', expected: decimal(4, 0), values: ['1000', '-9999', '7'] },
  {
    type: 'numeric',
    expected: numeric,
    values: [
      '12345678901234567890123456789012345678901234567890',
      'NaN',
      'Infinity',
      '-Infinity',
      '-0.000000000000000000000000000001',
      '1e130',
      '1e400',
      '1e-400',
      '0.10',
      '123456789.012345',
      '1234567890.1234567',
    ],
  },
  {
    type: 'numeric(50,10)',
    expected: numeric,
    values: ['1234567890123456789012345678901234567890.0123456789'],
  },
  { type: 'numeric(5,-2)', expected: numeric, values: ['12345'] },
  { type: 'numeric(3,-2)', expected: numeric, values: ['99949', '-50', '49'] },
  { type: 'numeric(5,6)', expected: numeric, values: ['0.099999', '-0.000001', 'NaN'] },
  {
    type: 'numeric(39,9)',
    expected: numeric,
    values: ['999999999999999999999999999999.999999999', '-0.000000001'],
  },
  {
    type: 'numeric(1000,500)',
    expected: numeric,
    values: [`-${'9'.repeat(500)}.${'1'.repeat(500)}`, '0'],
  },
  { type: 'money', expected: unprotected, values: ['12.5', '-92233720368547758.08'] },
  { type: 'oid', expected: unprotected, values: ['4294967295'] },
];

const times: readonly EdgeCaseType[] = [
  {
    type: 'timestamp with time zone',
    expected: timestamptz,
    values: [
      '9999-12-31 23:59:59.999999+00',
      '0001-01-01 00:00:00+00',
      '4713-01-01 00:00:00.000001+00 BC',
      '294247-01-10 04:00:54.775806+00',
      'infinity',
      '-infinity',
      '1969-12-31 23:59:59.999999+00',
      '2024-02-29 23:59:59.5+05:30',
    ],
    nullified: 2,
  },
  {
    type: 'timestamp(3) without time zone',
    expected: timestamp,
    values: [
      '9999-12-31 23:59:59.999',
      '0044-03-15 12:00 BC',
      'infinity',
      '2024-02-29 00:00:00.001',
      '1900-02-28 23:59:59.999',
      '1900-03-01',
      '0001-01-01',
    ],
    nullified: 1,
  },
  {
    type: 'date',
    expected: date,
    values: [
      '9999-12-31',
      '0001-01-01',
      '4713-01-01 BC',
      '5874897-12-31',
      '-infinity',
      '1970-01-01',
      '10000-01-01',
      '1900-02-28',
    ],
    nullified: 1,
  },
  {
    type: 'time without time zone',
    expected: time,
    values: ['00:00', '23:59:59.999999', '24:00', '00:00:00.000001'],
  },
  { type: 'time with time zone', expected: unprotected, values: ['12:00:00.5+02', '24:00-15:59'] },
  {
    type: 'interval',
    expected: text,
    values: ['1 year -3 days 04:05:06.789', '-1 mons', '178000000 years', '-00:00:00.000001'],
  },
];

const others: readonly EdgeCaseType[] = [
  { type: 'boolean', expected: boolean, values: ['true', 'false'] },
  {
    type: 'uuid',
    expected: uuid,
    values: [
      'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11',
      '00000000-0000-0000-0000-000000000000',
      'ffffffff-ffff-ffff-ffff-ffffffffffff',
    ],
  },
  {
    type: 'json',
    expected: json,
    values: [
      '{ "a" : 1e400,\n "a": [ ] }',
      'null',
      '"\\u0001😀\\\\n"',
      '\r\n[\t123456789012345678901234567890.10 , -0 ]\n',
      '-1',
    ],
  },
  {
    type: 'jsonb',
    expected: json,
    values: ['{"b": {"c": 12345678901234567890.123456789, "d": [[], {}, null, ""]}}', 'null'],
  },
  {
    type: 'bytea',
    expected: bytea,
    values: ['\\x00ff0a0d22', '', '\\x5c78', `\\x${'ab'.repeat(100)}`],
  },
  { type: 'text', expected: text, values: words },
  { type: 'character varying(10)', expected: text, values: ['', 'ä', '=1', '\n'] },
  { type: 'character(5)', expected: text, values: ['ab', '', '-a', '\t'] },
  { type: 'name', expected: text, values: ['pg_class', '=a name'] },
  { type: '"char"', expected: text, values: ['x', '', '='] },
  { type: 'citext', expected: text, values: ['Ab', '', '=1'] },
  {
    type: 'hstore',
    expected: nested('any', hstores),
    values: ['', 'a=>1, b=>NULL'],
  },
  { type: 'ltree', expected: text, values: ['Top.Science.A', ''] },
  { type: 'lquery', expected: text, values: ['*.A@|B{1,}', 'Top.*'] },
  { type: 'inet', expected: text, values: ['10.0.0.1', '::1/64'] },
  { type: 'cidr', expected: text, values: ['10.0.0.0/8'] },
  { type: 'macaddr', expected: text, values: ['08:00:2b:01:02:03'] },
  { type: 'macaddr8', expected: text, values: ['08:00:2b:01:02:03:04:05'] },
  { type: 'bit(3)', expected: text, values: ['101'] },
  { type: 'bit varying', expected: text, values: ['0101', ''] },
  { type: 'point', expected: text, values: ['(1.5,-2)', '(NaN,-Infinity)'] },
  { type: 'line', expected: text, values: ['{1,-2,0.1}'] },
  { type: 'lseg', expected: text, values: ['[(1,2),(3,4)]'] },
  { type: 'box', expected: text, values: ['(3,4),(1,2)'] },
  { type: 'path', expected: text, values: ['((0,0),(1,1))', '[(0,0)]'] },
  { type: 'polygon', expected: text, values: ['((0,0),(1,1),(1,0))'] },
  { type: 'circle', expected: text, values: ['<(0,0),1.5>'] },
  { type: 'tsvector', expected: text, values: ['fat:2A cat:1', ''] },
  { type: 'tsquery', expected: text, values: ['a & !b'] },
  { type: 'xml', expected: text, values: ['<a>\n</a>', '<b c="&quot;"/>'] },
  { type: 'jsonpath', expected: text, values: ['$.a[*] ? (@ > 1)'] },
  { type: 'pg_lsn', expected: text, values: ['0/1A2B3C8'] },
  { type: 'xid8', expected: text, values: ['18446744073709551615'] },
  { type: 'int2vector', expected: vectorOf(integer('INTEGER', 'INT32')), values: ['1 -2', ''] },
  { type: 'oidvector', expected: vectorOf(text), values: ['1 4294967295'] },
  { type: 'int4range', expected: text, values: ['[1,5)', 'empty', '(,)'] },
  { type: 'numrange', expected: text, values: ['[0.10,12345678901234567890.5)'] },
  { type: 'span', expected: text, values: ['[-0.1,Infinity]'] },
  {
    type: 'tstzmultirange',
    expected: text,
    values: ['{[2024-01-01 00:00+00,2024-02-01 00:00+00),[2024-03-01 00:00+00,)}', '{}'],
  },
  { type: 'mood', expected: text, values: ['glad', 'say "so"', '=1+1', "a,\n'b'"] },
  { type: 'pair', expected: pair, values: Object.keys(rows) },
  { type: 'measure', expected: nested('object', measures), values: Object.keys(measures) },
  { type: 'int4multirange', expected: text, values: ['{[1,3),[5,7)}', '{}'] },
  { type: 'txid_snapshot', expected: text, values: ['10:20:10,14,15'] },
  { type: 'regclass', expected: text, values: ['pg_class', '-'] },
];

const arrays: readonly EdgeCaseType[] = [
  {
    type: 'integer[]',
    expected: listOf(integer('INTEGER', 'INT32')),
    values: ['{1,NULL,-2147483648}', '{}', '{NULL}', '[0:1]={7,8}'],
  },
  { type: 'bigint[]', expected: listOf(bigint), values: ['{9223372036854775807,NULL,-1}', '{}'] },
  { type: 'boolean[]', expected: listOf(boolean), values: ['{t,f,NULL,t,t,t,t,t,t,f}', '{}'] },
  {
    type: 'numeric(20,2)[]',
    expected: listOf(decimal(20, 2)),
    values: ['{999999999999999999.99,NULL,NaN,-0.01}', '{}'],
    nullified: 1,
  },
  {
    type: 'numeric[]',
    expected: arrayOf(numeric),
    values: ['{1.50,NaN,NULL,-Infinity}', '{{1,2},{3,4}}', '{}'],
  },
  {
    type: 'text[]',
    expected: listOf(text),
    values: ['{a,"",NULL,"NULL","b,c","{}"}', '{}', '{"\\"\\\\"}', '{"=1","\n\t"}'],
  },
  {
    type: 'timestamp with time zone[]',
    expected: listOf(timestamptz),
    values: ['{"2024-01-01 00:00:00.000001+00",infinity,NULL}'],
    nullified: 1,
  },
  {
    type: 'uuid[]',
    expected: listOf(uuid),
    values: ['{a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11,NULL}'],
  },
  { type: 'json[]', expected: listOf(json), values: ['{"[\n1,\n2]","null",NULL}'] },
  { type: 'jsonb[]', expected: listOf(json), values: ['{"{\\"a\\": 1}","null",NULL}'] },
  { type: 'bytea[]', expected: listOf(bytea), values: ['{"\\\\x00ff","",NULL}', '{}', '{NULL}'] },
  { type: 'mood[]', expected: arrayOf(text), values: ['{glad,NULL,"say \\"so\\""}', '{}'] },
  { type: 'inet[]', expected: arrayOf(text), values: ['{10.0.0.1,::1/64}', '{{::1},{10.0.0.1}}'] },
  { type: 'pair[]', expected: arrayOf(pair), values: ['{"(,,)",NULL}', '{}'] },
  {
    type: 'smallint[]',
    expected: listOf(integer('INTEGER', 'INT32')),
    values: ['{-32768,NULL,32767}', '{}'],
  },
  {
    type: 'real[]',
    expected: listOf(floating('FLOAT')),
    values: ['{NaN,-Infinity,-0,NULL,1e-45}'],
  },
  {
    type: 'double precision[]',
    expected: listOf(floating('DOUBLE')),
    values: ['{NaN,Infinity,-Infinity,-0,NULL,5e-324}', '{}'],
  },
  { type: 'numeric(39,1)[]', expected: arrayOf(numeric), values: ['{0.1,NaN,NULL}'] },
  { type: 'date[]', expected: listOf(date), values: ['{2024-02-29,infinity,NULL}'], nullified: 1 },
  {
    type: 'timestamp without time zone[]',
    expected: listOf(timestamp),
    values: ['{"2024-02-29 23:59:59.999999",-infinity,NULL}'],
    nullified: 1,
  },
  {
    type: 'time without time zone[]',
    expected: listOf(time),
    values: ['{24:00:00,NULL,00:00:00}'],
  },
  { type: 'interval[]', expected: arrayOf(text), values: ['{"1 day -02:03:04",NULL}'] },
  { type: 'character varying(5)[]', expected: listOf(text), values: ['{ä,"","a b",NULL}'] },
  { type: 'macaddr[]', expected: arrayOf(text), values: ['{08:00:2b:01:02:03,NULL}', '{}'] },
  { type: 'int4range[]', expected: arrayOf(text), values: ['{"[1,5)",empty,NULL}'] },
  { type: 'point[]', expected: arrayOf(text), values: ['{"(1,2)","(NaN,-0)"}'] },
  { type: 'tsvector[]', expected: arrayOf(text), values: [`{"'cat':1 'fat':2A",""}`] },
  { type: 'xml[]', expected: arrayOf(text), values: ['{"<a b=\\"c\\"/>",NULL}'] },
  { type: 'bit(3)[]', expected: arrayOf(text), values: ['{101,NULL}'] },
  { type: 'citext[]', expected: arrayOf(text), values: ['{Ab,"",NULL}'] },
  { type: 'ltree[]', expected: arrayOf(text), values: ['{Top.A,NULL}'] },
  {
    type: 'hstore[]',
    expected: arrayOf(nested('any', hstores)),
    values: ['{"\\"a\\"=>\\"1\\", \\"b\\"=>NULL","",NULL}'],
  },
];

/** A domain is exported as its base type, at any depth of nesting. */
const domains: readonly EdgeCaseType[] = [
  { type: 'positive', expected: integer('INTEGER', 'INT32'), values: ['5', '2147483647'] },
  { type: 'big', expected: bigint, values: ['9223372036854775807', '1'] },
  { type: 'bigger', expected: bigint, values: ['9223372036854775807'] },
  {
    type: 'price',
    expected: decimal(12, 2),
    values: ['9999999999.99', '-0.10', 'NaN'],
    nullified: 1,
  },
  { type: 'loose', expected: numeric, values: ['0.10', 'NaN', '9'.repeat(50)] },
  { type: 'bytes', expected: bytea, values: ['\\x00ff', ''] },
  { type: 'label', expected: text, values: ['=1+1', '', '-1', 'x'] },
  { type: 'host', expected: text, values: ['10.0.0.1'] },
  { type: 'flag', expected: boolean, values: ['true', 'false'] },
  {
    type: 'birthday',
    expected: date,
    values: ['2024-02-29', '0044-03-15 BC', 'infinity'],
    nullified: 1,
  },
  {
    type: 'instant',
    expected: timestamptz,
    values: ['2024-02-29 23:59:59.999+00', 'infinity'],
    nullified: 1,
  },
  { type: 'document', expected: json, values: ['{\n"a" : 1e400\n}', 'null'] },
  { type: 'feeling', expected: text, values: ['=1+1', 'glad'] },
  { type: 'couple', expected: pair, values: Object.keys(rows) },
  { type: 'big[]', expected: listOf(bigint), values: ['{9223372036854775807,NULL}', '{}'] },
  { type: 'price[]', expected: listOf(decimal(12, 2)), values: ['{0.10,NULL,NaN}'], nullified: 1 },
  { type: 'bytes[]', expected: listOf(bytea), values: ['{"\\\\x00ff","",NULL}', '{}'] },
  { type: 'bigs', expected: listOf(bigint), values: ['{9223372036854775807,NULL}', '{}'] },
  { type: 'prices', expected: listOf(decimal(12, 2)), values: ['{0.10,NULL}', '{}'] },
  { type: 'blobs', expected: listOf(bytea), values: ['{"\\\\x00ff","",NULL}'] },
  {
    type: 'bigs[]',
    expected: arrayOf(arrayOf(bigint)),
    values: ['{"{1,9223372036854775807}",NULL,"{NULL}","{}"}', '{}'],
  },
  { type: 'prices[]', expected: arrayOf(arrayOf(numeric)), values: ['{"{-0.10,NaN,NULL}"}'] },
  {
    type: 'blobs[]',
    expected: arrayOf(arrayOf(bytea)),
    values: ['{"{\\"\\\\\\\\x00ff\\",NULL}",NULL}'],
  },
];

export const edgeCases: readonly EdgeCaseType[] = [
  ...numbers,
  ...times,
  ...others,
  ...arrays,
  ...domains,
];

type ExpectedError = { code: string; message: RegExp };

/** A value that some formats cannot encode: an export in such a format fails. All other formats export it. */
export interface UnsupportedValue extends EdgeCaseType {
  failsIn: { xlsx?: ExpectedError; parquet?: ExpectedError };
}

const tooLong = (characters: string): ExpectedError => ({
  code: 'cell_too_long',
  message: new RegExp(`^Row 2 has ${characters} characters in the column the value;`),
});
const unsupported = (reason: string): ExpectedError => ({
  code: 'unsuitable_value',
  message: new RegExp(`row 2, column the value, .*${reason}`),
});

export const unsupportedValues: readonly UnsupportedValue[] = [
  {
    type: 'text',
    expected: text,
    values: ['ä,"\n😀'.repeat(120_000)],
    failsIn: { xlsx: tooLong('720,000') },
  },
  {
    type: 'bytea',
    expected: bytea,
    values: [`\\x${'00ff'.repeat(250_000)}`],
    failsIn: { xlsx: tooLong('1,000,002') },
  },
  {
    type: 'numeric',
    expected: numeric,
    values: [`${'9'.repeat(131_072)}.${'1'.repeat(16_383)}`],
    failsIn: { xlsx: tooLong('147,456') },
  },
  {
    type: 'timestamp with time zone',
    expected: timestamptz,
    values: ['294276-12-31 23:59:59.999999+00'],
    failsIn: { parquet: unsupported('294247-01-10') },
  },
  {
    type: 'timestamp without time zone',
    expected: timestamp,
    values: ['294276-12-31 23:59:59.999999'],
    failsIn: { parquet: unsupported('294247-01-10') },
  },
  {
    type: 'bigint[]',
    expected: listOf(bigint),
    values: ['{{1,9223372036854775807},{NULL,4}}'],
    failsIn: { parquet: unsupported('2 dimensions') },
  },
  {
    type: 'bytea[]',
    expected: listOf(bytea),
    values: ['{{"\\\\x00ff",NULL},{"","\\\\x22"}}'],
    failsIn: { parquet: unsupported('2 dimensions') },
  },
];
