import type { ExportListQuery, ExportSort } from '../contracts/export-document.ts';
import { sizes } from '../contracts/sizes.ts';
import type { Queryable } from '../runtime/catalogue.ts';
import { filterSql, filterValues } from './export-filters.ts';
import { type ExportRecord, loadUndeletedExports } from './export-record.ts';

/**
 * SQL: the value of export `l` by which a list is sorted, as the indexes have it. An export without the value, as the
 * rows of one that has no file, is the least. Ids are in the order of creation.
 */
const sortValues: Record<ExportSort['by'], string> = {
  createdAt: 'l.id',
  rows: `coalesce((l.file ->> 'rows')::bigint, -1)`,
  bytes: `coalesce((l.file ->> 'bytes')::bigint, -1)`,
  expiresAt: `coalesce(l.expires_at, '-infinity')`,
};

/** Returns the order of a list, and the condition for what comes after export $2 of account $1 in it. */
function orderOf({ by, descending }: ExportSort): { order: string; isAfterCursor: string } {
  const value = sortValues[by];
  const [direction, after] = descending ? ['desc', '<'] : ['asc', '>'];
  if (by === 'createdAt') return { order: `l.id ${direction}`, isAfterCursor: `l.id ${after} $2` };
  return {
    order: `${value} ${direction}, l.id ${direction}`,
    isAfterCursor: `(${value}, l.id) ${after}
      (select ${value}, l.id from exports l where l.id = $2 and l.owner_id = $1)`,
  };
}

/**
 * Returns a page of an account's exports, newest first unless `sort` says otherwise. The cursor is the id of the last
 * export of the page before.
 */
export async function listExports(
  client: Queryable,
  ownerId: string,
  query: ExportListQuery,
): Promise<{ records: ExportRecord[]; nextCursor: string | null }> {
  const { cursor, limit, downloaded, search = '', sort } = query;
  const { order, isAfterCursor } = orderOf(sort);
  // Requests may be large: a page ends with the export whose request reaches `sizes.pageBytes`.
  const { rows: listed } = await client.query<{ id: string; fits: boolean }>(
    `select id, sum(bytes) over (order by place) - bytes < $5 as fits from (
       select l.id, octet_length(l.request::text) as bytes,
         row_number() over (order by ${order}) as place
       from exports l
       where l.owner_id = $1 and l.deleted_at is null and ($2::uuid is null or ${isAfterCursor})
         and ($3::boolean is null or (l.downloaded_at is not null) = $3)
         and not exists (select from unnest($6::text[]) word where strpos(l.known_as, lower(word)) = 0)
         and ${filterSql('l', 7)}
       order by ${order} limit $4) page
     order by place`,
    [
      ownerId,
      cursor ?? null,
      downloaded ?? null,
      limit + 1,
      sizes.pageBytes,
      search.split(/\s+/).filter((word) => word !== ''),
      ...filterValues(query),
    ],
  );
  const ids = listed.slice(0, limit).flatMap(({ id, fits }) => (fits ? [id] : []));
  const found = await loadUndeletedExports(client, ids);
  const records = ids.flatMap((id) => found.find((record) => record.id === id) ?? []);
  return { records, nextCursor: listed.length > ids.length ? (ids.at(-1) ?? null) : null };
}
