import { type Random } from './random.ts';

/** Texts that some readers and writers of CSV, JSON and COPY lose or change. */
export const awkwardTexts: readonly string[] = [
  '',
  ' ',
  ' leading space',
  'trailing space ',
  '\ttabs\tbefore, between and after\t',
  'one, two, and three',
  ',',
  '"',
  '""',
  'He said "call first", then hung up',
  '"quoted from end to end"',
  'first line\nsecond line',
  'first line\r\nsecond line\r\n',
  'a lone\rcarriage return',
  '\n',
  '\r\n',
  '\\.',
  'before\n\\.\nafter',
  '\\N',
  '\\',
  'C:\\orders\\new\\table',
  'ends with a backslash\\',
  '\\n is not a line break',
  'NULL',
  'null',
  '-- ; drop table orders;',
  "it's O'Brien's",
  '=1+1',
  '{"looks": "like JSON"}',
  '00123',
  '1e5',
  'true',
  '2024-02-30',
  '😀👍🏽 thanks 👩‍👩‍👧‍👦 🇩🇪',
  'Zo\u00eb in three letters, Zoe\u0308 in four',
  'Größe, łódź, naïve, Ørsted',
  '日本語の注文、ありがとう',
  'مرحبا بالعالم',
  '\u202eright to left override',
  '\ufeffstarts with a byte order mark',
  'zero\u200bwidth, no\u00a0break, line\u2028separator',
  'controls \u0001 \u001b[31m \u007f',
  '𝒳 beyond the basic plane \u{10ffff}',
];

const remarks = [
  'Please leave with the neighbour.',
  'Ring twice, the bell is quiet.',
  'Gift wrapping, no invoice in the parcel.',
  'Deliver after 17:00.',
  'Second attempt, the first parcel was damaged.',
  'Customer asked for an invoice by post.',
  'Back entrance, past the "no entry" sign.',
  'Call before delivery: gate is locked.',
  'Combine with the previous order, if possible.',
  'Fragile!',
] as const;

export function remark(random: Random): string {
  return random.pick(remarks);
}

/** Returns a text of several lines with exactly `length` characters. */
export function longText(random: Random, length: number): string {
  let text = '';
  while (text.length < length)
    text += `${remark(random)}\t${remark(random)}\r\n> "${remark(random)}"\\\n`;
  return text.slice(0, length);
}
