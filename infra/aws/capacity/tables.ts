import { type FileKind, figures, rowsPerSecond } from './figures.ts';
import { capacityOf, costOf, type Load } from './model.ts';

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

/** Returns what four slots can do, by format and size of the exports. */
export function capacityTable(): string {
  const kinds = Object.keys(rowsPerSecond).filter(
    (kind): kind is FileKind => kind in rowsPerSecond,
  );
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
  ['1 TB a month', 1_212],
  ['10 TB a month', 12_121],
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
