import type { ExportRequest } from '../../contracts/export-request.ts';
import { catalogue } from '../../runtime/catalogue.ts';
import { AppError } from '../../runtime/errors.ts';
import type { SourceInspection } from './inspect-sources.ts';

/** Typical share of compressed text in the text, for a dataset without earlier exports. */
const compressedShare = { none: 1, gzip: 0.22, zstd: 0.2 };
/** Typical share of Parquet in the text of CSV. */
const parquetShare = { none: 0.22, snappy: 0.12, gzip: 0.07, zstd: 0.07 };
/** Typical share of a workbook, which is always compressed, in the text of CSV. */
const workbookShare = 0.48;

/** Returns the bytes of a row. CSV adds a character after each value, JSON the name with its punctuation before it. */
function bytesOfRow(
  { format, compression }: ExportRequest,
  { characters, values, names }: RowWidth,
): number {
  const csv = characters + names.length;
  switch (format) {
    case 'xlsx':
      return csv * workbookShare;
    case 'parquet':
      return csv * parquetShare[compression];
    case 'csv':
    case 'json':
    case 'ndjson': {
      const json = characters + 3 + 3 * values + names.join('').length + 3 * names.length;
      // Only Parquet uses Snappy.
      const share = compression === 'snappy' ? 1 : compressedShare[compression];
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
 * Selects the median bytes and seconds per row of the five latest exports of the same shape. Small files are left out,
 * because the fixed costs of a file distort them, and files in which a grant left rows or columns out.
 */
const selectMediansSql = `
  with latest as (
    select (e.file->>'bytes')::float8 / (e.file->>'rows')::float8 as bytes,
      extract(epoch from e.finished_at - e.started_at)::float8 as seconds,
      (e.file->>'rows')::float8 as rows
    from exports e
    where e.shape = shape_of($1) and e.policy = '' and (e.file->>'rows')::bigint > 0
    order by e.id desc
    limit 5
  )
  select percentile_cont(0.5) within group (order by bytes) filter (where rows > 1000) as bytes,
    percentile_cont(0.5) within group (order by seconds / rows) filter (where rows > 10000) as seconds
  from latest`;

interface Medians {
  bytes: number | null;
  seconds: number | null;
}

async function mediansOf(
  shape: Pick<ExportRequest, 'sources' | 'dataset' | 'format' | 'compression' | 'columns'>,
): Promise<Medians | undefined> {
  const { rows } = await catalogue().query<Medians>(selectMediansSql, [JSON.stringify(shape)]);
  return rows[0];
}

/** Expected size of a file, and the time to read it. */
interface FileEstimate {
  rows: number;
  bytes: number;
  seconds: number;
}

/**
 * Returns the estimate of a file from the statistics of its sources, the planner's cost and the latest exports of the
 * same shape. Reads no rows of the dataset. Throws `source_error` if the planner of a source returns no estimate.
 */
export async function estimateFile(
  request: ExportRequest,
  inspections: readonly SourceInspection[],
): Promise<FileEstimate> {
  const total = { rows: 0, bytes: 0, seconds: 0 };
  const { dataset, format, compression, columns } = request;
  for (const { source, expected, whyNot = '', width, selection } of inspections) {
    if (!expected)
      throw new AppError(
        'source_error',
        `Database ${source} returned no estimate of ${request.dataset}. ${whyNot} You can export it all the same.`,
      );
    const { rows, seconds } = expected;
    // The exports of others have what a grant hides.
    const medians = selection.dataset.permission
      ? undefined
      : await mediansOf({ sources: [source], dataset, format, compression, columns });
    const names = selection.columns.map(({ name }) => name);
    total.rows += rows;
    total.bytes += rows * (medians?.bytes ?? bytesOfRow(request, { ...width, names }));
    total.seconds += medians?.seconds == null ? seconds : rows * medians.seconds;
  }
  return {
    rows: total.rows,
    bytes: Math.round(total.bytes),
    seconds: Math.max(1, Math.ceil(total.seconds)),
  };
}
