import { z } from 'zod';
import { jsonLinesOf } from '../log-files.ts';

/** A metric with its dimensions, over all lines that were read. */
export interface Series {
  name: string;
  unit: string;
  /** `function=sweep topic=readings`; the dimension `service`, which all have, is left out. */
  dimensions: string;
  samples: number;
  sum: number;
  largest: number;
  latest: number;
}

const valueSchema = z.union([z.number(), z.array(z.number()).nonempty()]);

/** The member of a line that tells CloudWatch which others are metrics. */
const envelope = '_aws';

/** A line in CloudWatch's embedded metric format, as far as it is needed here. */
const lineSchema = z.looseObject({
  [envelope]: z.object({
    Timestamp: z.number(),
    CloudWatchMetrics: z.array(
      z.object({
        Dimensions: z.array(z.array(z.string())),
        Metrics: z.array(z.object({ Name: z.string(), Unit: z.string() })),
      }),
    ),
  }),
});

/**
 * Returns the metrics in the lines of logs, ordered by dimensions and name.
 *
 * @param since milliseconds since 1970; older lines are left out
 */
export async function readMetrics(files: readonly string[], since: number): Promise<Series[]> {
  const series = new Map<string, Series>();
  for (const file of files)
    for await (const line of jsonLinesOf(file, lineSchema, (text) =>
      text.startsWith(`{"${envelope}"`),
    ))
      if (line[envelope].Timestamp >= since) addLine(series, line);
  return [...series.values()].toSorted(
    (a, b) => a.dimensions.localeCompare(b.dimensions) || a.name.localeCompare(b.name),
  );
}

function addLine(series: Map<string, Series>, line: z.output<typeof lineSchema>): void {
  for (const { Dimensions, Metrics } of line[envelope].CloudWatchMetrics)
    for (const names of Dimensions)
      for (const { Name: name, Unit: unit } of Metrics) {
        const value = valueSchema.safeParse(line[name]);
        if (!value.success) continue;
        const dimensions = names
          .filter((dimension) => dimension !== 'service')
          .map((dimension) => `${dimension}=${String(line[dimension])}`)
          .join(' ');
        const key = `${dimensions} ${name}`;
        const before = series.get(key) ?? {
          name,
          unit,
          dimensions,
          samples: 0,
          sum: 0,
          largest: -Infinity,
          latest: 0,
        };
        series.set(key, [value.data].flat().reduce(addValue, before));
      }
}

const addValue = (series: Series, value: number): Series => ({
  ...series,
  samples: series.samples + 1,
  sum: series.sum + value,
  largest: Math.max(series.largest, value),
  latest: value,
});

const columns = ['metric', 'of', 'unit', 'samples', 'sum', 'mean', 'largest', 'latest'] as const;

/** Returns the metrics as a table for a terminal. */
export function tableOf(series: readonly Series[]): string {
  const text = (value: number): string => value.toLocaleString('en', { maximumFractionDigits: 1 });
  const rows = [
    [...columns],
    ...series.map((it) => [
      it.name,
      it.dimensions || 'all functions',
      it.unit,
      text(it.samples),
      ...[it.sum, it.sum / it.samples, it.largest, it.latest].map(text),
    ]),
  ];
  const widths = columns.map((_, index) => Math.max(...rows.map((row) => row[index]?.length ?? 0)));
  return rows
    .map((row) =>
      row
        .map((cell, index) =>
          index < 3 ? cell.padEnd(widths[index] ?? 0) : cell.padStart(widths[index] ?? 0),
        )
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
