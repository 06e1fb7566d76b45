const grouped = new Intl.NumberFormat('en-GB');
const oneDecimal = new Intl.NumberFormat('en-GB', {
  minimumFractionDigits: 1,
  maximumFractionDigits: 1,
});

/** `3,412,907` */
export const formatExact = (count: number): string => grouped.format(count);

/** `1 row`, `3,412,907 rows` */
export const rowCount = (rows: number): string =>
  `${formatExact(rows)} ${rows === 1 ? 'row' : 'rows'}`;

const scales = [
  { from: 1e9, word: 'billion' },
  { from: 1e6, word: 'million' },
] as const;

/** `3.4 million rows`, `1,204 rows` */
export function formatApproximateRows(rows: number): string {
  const scale = scales.find(({ from }) => rows >= from);
  return scale ? `${oneDecimal.format(rows / scale.from)} ${scale.word} rows` : rowCount(rows);
}

/** `1.4 of about 3.4 million rows`, or `90,000 of about …` below a tenth of the unit of the total. */
export function formatRowsOfTotal(rows: number, total: number, of = 'of about'): string {
  const scale = scales.find(({ from }) => total >= from);
  const done =
    scale && rows >= scale.from / 10 ? oneDecimal.format(rows / scale.from) : formatExact(rows);
  return `${done} ${of} ${formatApproximateRows(total)}`;
}

/** Two significant digits: `35,000`. */
export function formatApproximate(value: number): string {
  return formatExact(Number(value.toPrecision(2)));
}

const byteUnits = ['B', 'kB', 'MB', 'GB', 'TB'] as const;

/** Decimal units: `212 MB`, `1.4 GB`. */
export function bytes(count: number): string {
  let value = count;
  let unit = 0;
  while (value >= 999.5 && unit < byteUnits.length - 1) {
    value /= 1_000;
    unit += 1;
  }
  const digits = unit > 0 && value < 10 ? oneDecimal.format(value) : String(Math.round(value));
  return `${digits} ${byteUnits[unit]}`;
}

/** `40 s`, `3 min`, `23 h`, `2 days` */
export function duration(seconds: number): string {
  if (seconds < 59.5) return `${Math.max(1, Math.round(seconds))} s`;
  if (seconds < 59.5 * 60) return `${Math.round(seconds / 60)} min`;
  if (seconds < 48 * 3_600) return `${Math.round(seconds / 3_600)} h`;
  return `${Math.round(seconds / 86_400)} days`;
}

const ordinalRules = new Intl.PluralRules('en-GB', { type: 'ordinal' });
const suffixes: Record<Intl.LDMLPluralRule, string> = {
  one: 'st',
  two: 'nd',
  few: 'rd',
  other: 'th',
  zero: 'th',
  many: 'th',
};

/** `3rd` */
export const ordinal = (position: number): string =>
  `${formatExact(position)}${suffixes[ordinalRules.select(position)]}`;
