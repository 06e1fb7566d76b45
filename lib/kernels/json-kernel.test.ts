import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { JsonEncoder } from '../formats/json/encoder.ts';
import { cutAt } from '../formats/testing/copy-binary.ts';
import { toCopyText } from '../formats/testing/copy-text.ts';
import { errorMessage } from '../runtime/errors.ts';
import { jsonKernel } from './json-kernel.ts';
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

/** `JsonEncoder` is the specification of the kernel: both write the same bytes, or fail with the same error. */
const column = (name: string, base: string) => ({ name, base });
const columns = [
  column('n', 'integer'),
  column('a "quoted"\nname', 'text'),
  column('big', 'bigint'),
  column('ratio', 'double precision'),
  column('yes', 'boolean'),
  column('at', 'timestamp(3) with time zone'),
  column('doc', 'jsonb'),
];
type Columns = typeof columns;
type Separator = '' | ',';

/** Values of each column, as PostgreSQL writes them before COPY escapes them. */
const texts = [
  ['', '"', '\\', '\\N', '\\.', 'N', '\u007f', 'é', '😀', 'null', '\u2028', null],
  ['x'.repeat(15), 'x'.repeat(16), 'x'.repeat(17)],
  ['"'.repeat(33), '\\'.repeat(31), `${'é'.repeat(8)}"`],
  Array.from({ length: 31 }, (_, n) => `${'x'.repeat(n)}${String.fromCharCode(n + 1)}y`),
].flat();
const times = [
  'infinity',
  '-infinity',
  '2024-02-29 01:02:03.5+00',
  '0044-03-15 00:00:00+00 BC',
  '12024-01-01 00:00:00.000001+00',
  '4713-01-01 00:00:00+00 BC',
];
const hostile: (string | null)[][] = [
  ['0', '-2147483648', '2147483647', null],
  texts,
  ['-9223372036854775808', '9223372036854775807', null],
  ['NaN', 'Infinity', '-Infinity', '-0', '0', '1e-20', '-1e+308', '0.1', null],
  ['t', 'f', null],
  [...times, null],
  [
    '{}',
    '{"a": "b\\n\\"\\\\ \\u0001"}',
    '[1,\n\t2,\r\n 3]',
    '"\\t"',
    'null',
    '-0.0',
    `"${'x'.repeat(40)}"`,
    '{"😀": "é"}',
    null,
  ],
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

/** Returns what the encoder makes of rows, each of which came in a message of its own: text, or its error. */
function expected(rows: readonly Buffer[], described: Columns, separator: Separator): string {
  const encoder = new JsonEncoder(described, separator);
  const output: Buffer[] = [];
  try {
    for (const row of rows) {
      const { rows: before } = encoder;
      for (const chunk of encoder.lines(row)) output.push(Buffer.from(chunk));
      if (encoder.rows !== before + 1) return 'no row';
    }
  } catch (error) {
    return errorMessage(error);
  }
  return Buffer.concat([...output, encoder.rest()]).toString();
}

function planOf(described: Columns, separator: Separator): KernelPlan {
  const plan = jsonKernel(described, separator);
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

describe.each<Separator>(['', ','])('the kernel of JSON, with "%s" before objects', (separator) => {
  const plan = planOf(columns, separator);

  test('writes what JsonEncoder writes of every hostile value in every column', () => {
    const length = Math.max(...hostile.map((values) => values.length));
    // Each column steps through its values at its own pace, so that neighbours differ.
    const rows = Array.from({ length: 3 * length }, (_, row) =>
      hostile.map((values) => values[row % values.length] ?? null),
    );
    const sent = rowsOf(toCopyText(rows));
    expect(outcomeOf(plan, [messagesOf(sent)])).toBe(expected(sent, columns, separator));
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
    const whole = expected(sent, columns, separator);
    for (const elsewhere of [false, true])
      for (let at = 0; at <= bytes.length; at++)
        expect(outcomeOf(plan, cutAt(bytes, [at]), elsewhere)).toBe(whole);
    expect(
      outcomeOf(
        plan,
        [...bytes].map((byte) => Buffer.from([byte])),
      ),
    ).toBe(whole);
  });

  test('writes what JsonEncoder writes of any values, wherever the bytes are cut', () => {
    const unit = fc.constantFrom(
      '\\',
      '"',
      '\v',
      '\n',
      '\t',
      '\r',
      '\b',
      'N',
      '\u0001',
      'é',
      '😀',
      'xxxx',
    );
    const text = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 60 }),
      fc.string({ unit, maxLength: 60 }),
    );
    const value = [
      fc.integer().map(String),
      text.map((it) => it.replaceAll('\0', '')),
      fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(String),
      fc.double().map((it) => (Object.is(it, -0) ? '-0' : String(it))),
      fc.constantFrom('t', 'f'),
      fc.constantFrom(...times),
      fc
        .tuple(fc.json(), fc.constantFrom(0, 1, '\t'))
        .map(([it, indent]) => JSON.stringify(JSON.parse(it), null, indent)),
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
          expect(outcomeOf(plan, chunks, elsewhere)).toBe(expected(sent, columns, separator));
        },
      ),
      { numRuns: runs },
    );
  });

  test('writes what JsonEncoder writes of rows of any length, those that it leaves to the encoder too', () => {
    const described = [column('n', 'integer'), column('t', 'text')];
    const other = planOf(described, separator);
    const { maxRowBytes } = KernelMemory;
    const lengths = [
      maxRowBytes - 1,
      maxRowBytes,
      maxRowBytes + 1,
      3 * maxRowBytes,
      1,
      131_072,
      40,
    ];
    for (const { unit, order } of [
      { unit: 'x', order: lengths },
      { unit: '\u0001', order: [maxRowBytes + 1, ...lengths.slice(0, 3)] },
      { unit: '"', order: lengths.toReversed() },
    ]) {
      const sent = order.map((length) =>
        Buffer.from(`1\t${unit.repeat(Math.max(0, length - 3))}\n`),
      );
      const encoded = encodeMessages(other, [messagesOf(sent)]);
      expect(encoded.rows).toBe(order.length);
      expect(encoded.bytes.toString() === expected(sent, described, separator)).toBe(true);
    }
  });

  test('encodes or refuses bytes that the server never sends as JsonEncoder does, within its regions', () => {
    const [valid = Buffer.alloc(0)] = rowsOf(
      toCopyText([['1', 'a "b"\n', '2', '-1.5', 't', '2024-02-29 01:02:03+00', '{"a": 1}']]),
    );
    const change = fc.tuple(
      fc.nat(valid.length - 1),
      fc.oneof(fc.nat(255), fc.constantFrom(...Buffer.from('\t\n\\"N+ -')), fc.constant(-1)),
    );
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 3 }), (changes) => {
        const row = changedRow(valid, changes);
        const encoded = outcomeOf(plan, [messagesOf([valid, row])]);
        // The kernel is stricter: it also refuses control characters in numbers and JSON, and two rows in a message.
        if (!encoded.startsWith('row 2 is not what'))
          expect(encoded).toBe(expected([valid, row], columns, separator));
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
});

test('the kernel of JSON fails with the error of JsonEncoder', () => {
  const described = [column('n', 'integer'), column('at', 'timestamp with time zone')];
  const plan = planOf(described, '');
  for (const row of ['1\n', '1\t2024-01-01 00:00:00+05:30\n', '1\tx\t2\n', '1\t2024\\n\n']) {
    const sent = [Buffer.from(row)];
    expect(outcomeOf(plan, [messagesOf(sent)])).toBe(expected(sent, described, ''));
  }
});

test('the kernel of JSON encodes rows without columns, and of hundreds of columns', () => {
  expect(outcomeOf(planOf([], ''), [messagesOf([Buffer.from('\n'), Buffer.from('\n')])])).toBe(
    '{}\n{}\n',
  );
  const many = Array.from({ length: 1_600 }, (_, n) => column(`${'x'.repeat(50)}${n}`, 'text'));
  const sent = rowsOf(toCopyText([many.map(({ name }) => name), many.map(() => null)]));
  expect(outcomeOf(planOf(many, ','), [messagesOf(sent)])).toBe(expected(sent, many, ','));
});

test('the kernel of JSON leaves columns to the encoder whose names its memory has no room for', () => {
  const long = Array.from({ length: 1_600 }, () => column('\u0001'.repeat(63), 'text'));
  expect(jsonKernel(long, '')).toBeUndefined();
});
