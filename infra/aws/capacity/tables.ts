import { bytesPerRow, type FileKind, figures, rowsPerSecond } from './figures.ts';
import { capacityOf, costOf, type Load } from './model.ts';
import { type Machines, resumableTimes } from './units.ts';

/** The loads of docs/scaling.md. A fifth of the exports of a day come in its busiest hour. */
const usual = {
  busiestHour: 0.2,
  variation: 2,
  downloads: 1,
  keptDays: 1,
  slots: figures.slots,
} as const;

const number = (value: number, digits = 0): string =>
  Number.isFinite(value)
    ? value.toLocaleString('en', { maximumFractionDigits: digits })
    : 'without end';

const tableOf = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |`).join('\n');

const kinds = Object.keys(rowsPerSecond).filter((kind): kind is FileKind => kind in rowsPerSecond);

/** Returns what four slots can do, by format and size of the exports. */
export function capacityTable(): string {
  const rows = kinds.flatMap((kind) =>
    [10_000, 1_000_000, 20_000_000].map((size) => {
      const load: Load = { ...usual, kind, rows: size, exportsPerDay: 1 };
      const { exportSeconds, maxExportsPerDay } = capacityOf(load);
      const { waitSeconds } = capacityOf({ ...load, exportsPerDay: maxExportsPerDay });
      return [
        kind,
        number(size),
        number(exportSeconds, 1),
        number(maxExportsPerDay),
        number(waitSeconds, 1),
      ];
    }),
  );
  return tableOf(
    ['file', 'rows', 'seconds of an export', 'exports a day', 'mean wait in the busiest hour, s'],
    rows,
  );
}

/** Loads by the bytes of their files in a month: CSV with zstd, 1,000,000 rows each. */
const sizes: readonly (readonly [string, number])[] = [
  ['small: 30 exports a day', 30],
  ['1 TB a month', 1_225],
  ['10 TB a month', 12_255],
];

/** Returns the US dollars of a month for each size. */
export function costTable(): string {
  return tableOf(
    ['size', 'TB a month', 'fixed', 'functions', 'storage', 'internet', 'sum'],
    sizes.map(([name, exportsPerDay]) => {
      const load: Load = { ...usual, kind: 'csv, zstd', rows: 1_000_000, exportsPerDay };
      const cost = costOf(load);
      const sum = Object.values(cost).reduce((total, part) => total + part, 0);
      return [
        name,
        number(capacityOf(load).gigabytesPerMonth / 1_000, 2),
        ...[cost.fixed, cost.functions, cost.storage, cost.internet, sum].map((part) =>
          number(part),
        ),
      ];
    }),
  );
}

const machines: readonly (readonly [string, Machines])[] = [
  ['4 slots, 2 cores for all', { slots: 4, cores: 2, shared: true }],
  ['4 slots, 4 cores for all', { slots: 4, cores: 4, shared: true }],
  ['4 slots, a source of 4 cores', { slots: 4, cores: 4, shared: false }],
  ['16 slots, a source of 16 cores', { slots: 16, cores: 16, shared: false }],
];

/** Returns the hours of a resumable export of the rows that are a TB as CSV. */
export function terabyteTable(): string {
  const rows = 1e12 / bytesPerRow.csv;
  return tableOf(
    ['file', 'TB', 'units', ...machines.map(([name]) => name), 'and assembling'],
    kinds.map((kind) => {
      const all = machines.map(([, it]) => resumableTimes(kind, rows, it));
      const { terabytes = 0, units = 0, assemblingHours = 0 } = all[0] ?? {};
      return [
        kind,
        number(terabytes, 2),
        number(units),
        ...all.map(({ readingHours }) => `${number(readingHours, 1)} h`),
        `${number(assemblingHours, 1)} h`,
      ];
    }),
  );
}
