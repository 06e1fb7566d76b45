import type { ExportRequest } from '../contracts/export-request.ts';
import { catalogue } from '../runtime/catalogue.ts';
import { Refusal } from '../runtime/errors.ts';
import type { Look } from './look.ts';

/** What is usual where no such export has been made: of text, compressed; of CSV's text, as Parquet. */
const compressed = { none: 1, gzip: 0.22, zstd: 0.2 };
const columnar = { none: 0.6, snappy: 0.2, gzip: 0.11, zstd: 0.115 };
/** Of CSV's text, as the workbook, which is always compressed. */
const workbook = 0.48;

/** Separators of a row: in CSV a character behind each value, in JSON the name and its signs before each. */
function bytesOfRow(
  { format, compression }: ExportRequest,
  { characters, values, names }: RowWidth,
): number {
  const csv = characters + names.length;
  switch (format) {
    case 'xlsx':
      return csv * workbook;
    case 'parquet':
      return csv * columnar[compression];
    case 'csv':
    case 'json':
    case 'ndjson': {
      const json = characters + 3 + 3 * values + names.join('').length + 3 * names.length;
      // Snappy is Parquet's alone.
      const share = compression === 'snappy' ? 1 : compressed[compression];
      return (format === 'csv' ? csv : json) * share;
    }
    default:
      return format satisfies never;
  }
}

interface RowWidth {
  characters: number;
  values: number;
  names: string[];
}

/**
 * What earlier exports of the same dataset in the same form had a row, and how long a row took. What every
 * file has, however small, is much to a row of a small one.
 */
const latest = `
  with latest as (
    select (e.file->>'bytes')::float8 / (e.file->>'rows')::float8 as bytes,
      extract(epoch from e.finished_at - e.started_at)::float8 as seconds,
      (e.file->>'rows')::float8 as rows
    from exports e
    where e.shape = shape_of($1) and (e.file->>'rows')::bigint > 0
    order by e.id desc
    limit 5
  )
  select percentile_cont(0.5) within group (order by bytes) filter (where rows > 1000) as bytes,
    percentile_cont(0.5) within group (order by seconds / rows) filter (where rows > 10000) as seconds
  from latest`;

/** What a file will be, and what it takes. */
interface FileEstimate {
  rows: number;
  bytes: number;
  seconds: number;
}

/**
 * From the statistics of its sources and the planner's cost, and, where the same has been exported
 * lately, from what that was. Reads nothing of the dataset. Throws `source_error` if a planner does not say
 * what it expects.
 */
export async function estimateOf(
  request: ExportRequest,
  looks: readonly Look[],
): Promise<FileEstimate> {
  const total = { rows: 0, bytes: 0, seconds: 0 };
  const { dataset, format, compression, columns } = request;
  for (const { source, expected, whyNot = '', width, selection } of looks) {
    if (!expected)
      throw new Refusal(
        'source_error',
        `Database ${source} gives no estimate of ${request.dataset}. ${whyNot} It can be asked for all the same.`,
      );
    const { rows, seconds } = expected;
    const {
      rows: [lately],
    } = await catalogue().query<{
      bytes: number | null;
      seconds: number | null;
    }>(latest, [JSON.stringify({ sources: [source], dataset, format, compression, columns })]);
    const names = selection.columns.map(({ name }) => name);
    total.rows += rows;
    total.bytes += rows * (lately?.bytes ?? bytesOfRow(request, { ...width, names }));
    total.seconds += lately?.seconds == null ? seconds : rows * lately.seconds;
  }
  return {
    rows: total.rows,
    bytes: Math.round(total.bytes),
    seconds: Math.max(1, Math.ceil(total.seconds)),
  };
}
