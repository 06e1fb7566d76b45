import {
  arrayOf,
  type Behaviour,
  bigint,
  boolean,
  bytea,
  date,
  decimal,
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
  unguarded,
  uuid,
  vectorOf,
} from './behaviours.ts';

/** A type, what is promised of it, and values that are hard on it. */
export interface Hostile {
  type: string;
  as: Behaviour;
  values: readonly string[];
  /** How many of them are NULL in Parquet, by the policy. */
  nulled?: number;
}

/** In a schema that is on the search path. */
export const ownTypes = `
  create extension hstore;
  create extension citext;
  create type mood as enum ('glad', 'say "so"', '=1+1', E'a,\\n''b''');
  create type pair as (x bigint, y text, z bytea);
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

const numbers: readonly Hostile[] = [
  { type: 'smallint', as: integer('INTEGER', 'INT32'), values: ['-32768', '32767', '0'] },
  { type: 'integer', as: integer('INTEGER', 'INT32'), values: ['-2147483648', '2147483647'] },
  {
    type: 'bigint',
    as: bigint,
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
    as: floating('FLOAT'),
    values: ['3.4028235e38', '1e-45', '-0', 'NaN', 'Infinity', '-Infinity', '0.1', '16777217'],
  },
  {
    type: 'double precision',
    as: floating('DOUBLE'),
    values: ['1.7976931348623157e308', '5e-324', '-0', 'NaN', '-Infinity', 'Infinity', '0.1'],
  },
  {
    type: 'numeric(38,18)',
    as: decimal(38, 18),
    values: [
      '99999999999999999999.999999999999999999',
      '-99999999999999999999.999999999999999999',
      '0.000000000000000001',
      'NaN',
      '0',
    ],
    nulled: 1,
  },
  {
    type: 'numeric(38,0)',
    as: decimal(38, 0),
    values: ['99999999999999999999999999999999999999', '-10000000000000000000000000000000000000'],
  },
  {
    type: 'numeric(38,38)',
    as: decimal(38, 38),
    values: [
      '0.99999999999999999999999999999999999999',
      '-0.00000000000000000000000000000000000001',
    ],
  },
  { type: 'numeric(19,1)', as: decimal(19, 1), values: ['999999999999999999.9', '-1.5'] },
  {
    type: 'numeric(18,9)',
    as: decimal(18, 9),
    values: ['999999999.999999999', '-999999999.999999999', 'NaN'],
    nulled: 1,
  },
  {
    type: 'numeric(15,2)',
    as: decimal(15, 2),
    values: ['9999999999999.99', '-9999999999999.99', '-0.01'],
  },
  {
    type: 'numeric(9,4)',
    as: decimal(9, 4),
    values: ['99999.9999', '-99999.9999', '0.0001', '-0.0001'],
  },
  { type: 'numeric(4,0)', as: decimal(4, 0), values: ['1000', '-9999', '7'] },
  {
    type: 'numeric',
    as: numeric,
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
    as: numeric,
    values: ['1234567890123456789012345678901234567890.0123456789'],
  },
  { type: 'numeric(5,-2)', as: numeric, values: ['12345'] },
  { type: 'money', as: unguarded, values: ['12.5', '-92233720368547758.08'] },
  { type: 'oid', as: unguarded, values: ['4294967295'] },
];

const times: readonly Hostile[] = [
  {
    type: 'timestamp with time zone',
    as: timestamptz,
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
    nulled: 2,
  },
  {
    type: 'timestamp(3) without time zone',
    as: timestamp,
    values: [
      '9999-12-31 23:59:59.999',
      '0044-03-15 12:00 BC',
      'infinity',
      '2024-02-29 00:00:00.001',
      '1900-02-28 23:59:59.999',
      '1900-03-01',
      '0001-01-01',
    ],
    nulled: 1,
  },
  {
    type: 'date',
    as: date,
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
    nulled: 1,
  },
  {
    type: 'time without time zone',
    as: time,
    values: ['00:00', '23:59:59.999999', '24:00', '00:00:00.000001'],
  },
  { type: 'time with time zone', as: unguarded, values: ['12:00:00.5+02', '24:00-15:59'] },
  {
    type: 'interval',
    as: text,
    values: ['1 year -3 days 04:05:06.789', '-1 mons', '178000000 years', '-00:00:00.000001'],
  },
];

const others: readonly Hostile[] = [
  { type: 'boolean', as: boolean, values: ['true', 'false'] },
  {
    type: 'uuid',
    as: uuid,
    values: [
      'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11',
      '00000000-0000-0000-0000-000000000000',
      'ffffffff-ffff-ffff-ffff-ffffffffffff',
    ],
  },
  {
    type: 'json',
    as: json,
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
    as: json,
    values: ['{"b": {"c": 12345678901234567890.123456789, "d": [[], {}, null, ""]}}', 'null'],
  },
  { type: 'bytea', as: bytea, values: ['\\x00ff0a0d22', '', '\\x5c78', `\\x${'ab'.repeat(100)}`] },
  { type: 'text', as: text, values: words },
  { type: 'character varying(10)', as: text, values: ['', 'ä', '=1', '\n'] },
  { type: 'character(5)', as: text, values: ['ab', '', '-a', '\t'] },
  { type: 'name', as: text, values: ['pg_class', '=a name'] },
  { type: '"char"', as: text, values: ['x', '', '='] },
  { type: 'citext', as: text, values: ['Ab', '', '=1'] },
  {
    type: 'hstore',
    as: nested('any', { '': {}, '"a"=>"1", "b"=>NULL': { a: '1', b: null } }),
    values: ['', 'a=>1, b=>NULL'],
  },
  { type: 'inet', as: text, values: ['10.0.0.1', '::1/64'] },
  { type: 'cidr', as: text, values: ['10.0.0.0/8'] },
  { type: 'macaddr', as: text, values: ['08:00:2b:01:02:03'] },
  { type: 'macaddr8', as: text, values: ['08:00:2b:01:02:03:04:05'] },
  { type: 'bit(3)', as: text, values: ['101'] },
  { type: 'bit varying', as: text, values: ['0101', ''] },
  { type: 'point', as: text, values: ['(1.5,-2)', '(NaN,-Infinity)'] },
  { type: 'line', as: text, values: ['{1,-2,0.1}'] },
  { type: 'lseg', as: text, values: ['[(1,2),(3,4)]'] },
  { type: 'box', as: text, values: ['(3,4),(1,2)'] },
  { type: 'path', as: text, values: ['((0,0),(1,1))', '[(0,0)]'] },
  { type: 'polygon', as: text, values: ['((0,0),(1,1),(1,0))'] },
  { type: 'circle', as: text, values: ['<(0,0),1.5>'] },
  { type: 'tsvector', as: text, values: ['fat:2A cat:1', ''] },
  { type: 'tsquery', as: text, values: ['a & !b'] },
  { type: 'xml', as: text, values: ['<a>\n</a>', '<b c="&quot;"/>'] },
  { type: 'jsonpath', as: text, values: ['$.a[*] ? (@ > 1)'] },
  { type: 'pg_lsn', as: text, values: ['0/1A2B3C8'] },
  { type: 'xid8', as: text, values: ['18446744073709551615'] },
  { type: 'int2vector', as: vectorOf(integer('INTEGER', 'INT32')), values: ['1 -2', ''] },
  { type: 'oidvector', as: vectorOf(text), values: ['1 4294967295'] },
  { type: 'int4range', as: text, values: ['[1,5)', 'empty', '(,)'] },
  { type: 'numrange', as: text, values: ['[0.10,12345678901234567890.5)'] },
  { type: 'span', as: text, values: ['[-0.1,Infinity]'] },
  {
    type: 'tstzmultirange',
    as: text,
    values: ['{[2024-01-01 00:00+00,2024-02-01 00:00+00),[2024-03-01 00:00+00,)}', '{}'],
  },
  { type: 'mood', as: text, values: ['glad', 'say "so"', '=1+1', "a,\n'b'"] },
  { type: 'pair', as: pair, values: Object.keys(rows) },
];

const arrays: readonly Hostile[] = [
  {
    type: 'integer[]',
    as: listOf(integer('INTEGER', 'INT32')),
    values: ['{1,NULL,-2147483648}', '{}', '{NULL}', '[0:1]={7,8}'],
  },
  { type: 'bigint[]', as: listOf(bigint), values: ['{9223372036854775807,NULL,-1}', '{}'] },
  { type: 'boolean[]', as: listOf(boolean), values: ['{t,f,NULL,t,t,t,t,t,t,f}', '{}'] },
  {
    type: 'numeric(20,2)[]',
    as: listOf(decimal(20, 2)),
    values: ['{999999999999999999.99,NULL,NaN,-0.01}', '{}'],
    nulled: 1,
  },
  {
    type: 'numeric[]',
    as: arrayOf(numeric),
    values: ['{1.50,NaN,NULL,-Infinity}', '{{1,2},{3,4}}', '{}'],
  },
  {
    type: 'text[]',
    as: listOf(text),
    values: ['{a,"",NULL,"NULL","b,c","{}"}', '{}', '{"\\"\\\\"}', '{"=1","\n\t"}'],
  },
  {
    type: 'timestamp with time zone[]',
    as: listOf(timestamptz),
    values: ['{"2024-01-01 00:00:00.000001+00",infinity,NULL}'],
    nulled: 1,
  },
  {
    type: 'uuid[]',
    as: listOf(uuid),
    values: ['{a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11,NULL}'],
  },
  { type: 'json[]', as: listOf(json), values: ['{"[\n1,\n2]","null",NULL}'] },
  { type: 'jsonb[]', as: listOf(json), values: ['{"{\\"a\\": 1}","null",NULL}'] },
  { type: 'bytea[]', as: listOf(bytea), values: ['{"\\\\x00ff","",NULL}', '{}', '{NULL}'] },
  { type: 'mood[]', as: arrayOf(text), values: ['{glad,NULL,"say \\"so\\""}', '{}'] },
  { type: 'inet[]', as: arrayOf(text), values: ['{10.0.0.1,::1/64}', '{{::1},{10.0.0.1}}'] },
  { type: 'pair[]', as: arrayOf(pair), values: ['{"(,,)",NULL}', '{}'] },
];

/** They are what they are over, however far down that is. */
const domains: readonly Hostile[] = [
  { type: 'positive', as: integer('INTEGER', 'INT32'), values: ['5', '2147483647'] },
  { type: 'big', as: bigint, values: ['9223372036854775807', '1'] },
  { type: 'bigger', as: bigint, values: ['9223372036854775807'] },
  { type: 'price', as: decimal(12, 2), values: ['9999999999.99', '-0.10', 'NaN'], nulled: 1 },
  { type: 'loose', as: numeric, values: ['0.10', 'NaN', '9'.repeat(50)] },
  { type: 'bytes', as: bytea, values: ['\\x00ff', ''] },
  { type: 'label', as: text, values: ['=1+1', '', '-1', 'x'] },
  { type: 'host', as: text, values: ['10.0.0.1'] },
  { type: 'flag', as: boolean, values: ['true', 'false'] },
  { type: 'birthday', as: date, values: ['2024-02-29', '0044-03-15 BC', 'infinity'], nulled: 1 },
  {
    type: 'instant',
    as: timestamptz,
    values: ['2024-02-29 23:59:59.999+00', 'infinity'],
    nulled: 1,
  },
  { type: 'document', as: json, values: ['{\n"a" : 1e400\n}', 'null'] },
  { type: 'feeling', as: text, values: ['=1+1', 'glad'] },
  { type: 'couple', as: pair, values: Object.keys(rows) },
  { type: 'big[]', as: listOf(bigint), values: ['{9223372036854775807,NULL}', '{}'] },
  { type: 'price[]', as: listOf(decimal(12, 2)), values: ['{0.10,NULL,NaN}'], nulled: 1 },
  { type: 'bytes[]', as: listOf(bytea), values: ['{"\\\\x00ff","",NULL}', '{}'] },
  { type: 'bigs', as: listOf(bigint), values: ['{9223372036854775807,NULL}', '{}'] },
  { type: 'prices', as: listOf(decimal(12, 2)), values: ['{0.10,NULL}', '{}'] },
  { type: 'blobs', as: listOf(bytea), values: ['{"\\\\x00ff","",NULL}'] },
  {
    type: 'bigs[]',
    as: arrayOf(arrayOf(bigint)),
    values: ['{"{1,9223372036854775807}",NULL,"{NULL}","{}"}', '{}'],
  },
  { type: 'prices[]', as: arrayOf(arrayOf(numeric)), values: ['{"{-0.10,NaN,NULL}"}'] },
  { type: 'blobs[]', as: arrayOf(arrayOf(bytea)), values: ['{"{\\"\\\\\\\\x00ff\\",NULL}",NULL}'] },
];

export const hostile: readonly Hostile[] = [...numbers, ...times, ...others, ...arrays, ...domains];

type Fault = { code: string; message: RegExp };

/** Values that some formats refuse, which end an export of theirs; to all others they are as any. */
export interface Refused extends Hostile {
  by: { xlsx?: Fault; parquet?: Fault };
}

const tooLong = (characters: string): Fault => ({
  code: 'cell_too_long',
  message: new RegExp(`^Row 2 has ${characters} characters in the column the value;`),
});
const unsuitable = (reason: string): Fault => ({
  code: 'unsuitable_value',
  message: new RegExp(`row 2, column the value, .*${reason}`),
});

export const refused: readonly Refused[] = [
  {
    type: 'text',
    as: text,
    values: ['ä,"\n😀'.repeat(120_000)],
    by: { xlsx: tooLong('720,000') },
  },
  {
    type: 'bytea',
    as: bytea,
    values: [`\\x${'00ff'.repeat(250_000)}`],
    by: { xlsx: tooLong('1,000,002') },
  },
  {
    type: 'numeric',
    as: numeric,
    values: [`${'9'.repeat(131_072)}.${'1'.repeat(16_383)}`],
    by: { xlsx: tooLong('147,456') },
  },
  {
    type: 'timestamp with time zone',
    as: timestamptz,
    values: ['294276-12-31 23:59:59.999999+00'],
    by: { parquet: unsuitable('294247-01-10') },
  },
  {
    type: 'timestamp without time zone',
    as: timestamp,
    values: ['294276-12-31 23:59:59.999999'],
    by: { parquet: unsuitable('294247-01-10') },
  },
  {
    type: 'bigint[]',
    as: listOf(bigint),
    values: ['{{1,9223372036854775807},{NULL,4}}'],
    by: { parquet: unsuitable('2 dimensions') },
  },
  {
    type: 'bytea[]',
    as: listOf(bytea),
    values: ['{{"\\\\x00ff",NULL},{"","\\\\x22"}}'],
    by: { parquet: unsuitable('2 dimensions') },
  },
];
