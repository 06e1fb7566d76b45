import type { Account } from '../access/accounts.ts';
import type { ExportEstimate } from '../contracts/export-document.ts';
import type { ExportRequest } from '../contracts/export-request.ts';
import { catalogue } from '../runtime/catalogue.ts';
import { lookAll } from './plan.ts';

/** What is usual where no such export has been made: of the values as text, in a format, compressed. */
const compressed: Record<ExportRequest['compression'], number> = {
  none: 1,
  gzip: 0.22,
  zstd: 0.2,
  snappy: 0.4,
};

/** Separators of a row: in CSV a character behind each value, in JSON the name and its signs before each. */
function bytesOfRow(request: ExportRequest, { characters, values, names }: RowWidth): number {
  const text =
    request.format === 'csv'
      ? characters + names.length
      : characters + 3 + 3 * values + names.join('').length + 3 * names.length;
  return text * compressed[request.compression];
}

interface RowWidth {
  characters: number;
  values: number;
  names: string[];
}

/** What earlier exports of the same dataset in the same form had a row, and how long a row took. */
const lately = `
  with latest as (
    select (e.file->>'bytes')::float8 / (e.file->>'rows')::float8 as bytes,
      extract(epoch from e.finished_at - e.started_at)::float8 as seconds,
      (e.file->>'rows')::float8 as rows
    from (select * from exports where file is not null order by id desc limit 500) e
    where e.request->'sources'->>0 = $1 and e.request->>'dataset' = $2
      and e.request->>'format' = $3 and e.request->>'compression' = $4
      and coalesce(e.request->'columns', '[]')::text = $5 and (e.file->>'rows')::bigint > 0
    limit 5
  )
  select percentile_cont(0.5) within group (order by bytes) as bytes,
    percentile_cont(0.5) within group (order by seconds / rows) filter (where rows > 10000) as seconds
  from latest`;

/**
 * What an export would be, before any work: from the statistics of its sources and the planner's cost,
 * and, where the same has been exported lately, from what that was. Throws the refusals that asking for
 * it would, but for its size.
 */
export async function estimateExport(
  owner: Account,
  request: ExportRequest,
): Promise<ExportEstimate> {
  const looks = await lookAll(owner, request);
  const total = { rows: 0, bytes: 0, seconds: 0 };
  for (const { source, expected, width, selection } of looks) {
    const { rows: found } = await catalogue().query<{
      bytes: number | null;
      seconds: number | null;
    }>(lately, [
      source,
      request.dataset,
      request.format,
      request.compression,
      JSON.stringify(request.columns ?? []),
    ]);
    const names = selection.columns.map(({ name }) => name);
    const perRow = found[0]?.bytes ?? bytesOfRow(request, { ...width, names });
    total.rows += expected.rows;
    total.bytes += expected.rows * perRow;
    total.seconds +=
      found[0]?.seconds == null ? expected.seconds : expected.rows * found[0].seconds;
  }
  return {
    rows: total.rows,
    bytes: Math.round(total.bytes),
    seconds: Math.max(1, Math.ceil(total.seconds)),
  };
}
