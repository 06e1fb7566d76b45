import {
  countedExports,
  type ExportCounts,
  type ExportListQuery,
  type ExportSort,
  exportCountsSchema,
  type PublicStatus,
  statusSchema,
} from '../contracts/export-document.ts';
import { sizes } from '../contracts/sizes.ts';
import type { Queryable } from '../runtime/catalogue.ts';
import { filterSql, filterValues } from './export-filters.ts';
import { currentState, type ExportRecord, loadUndeletedExports } from './export-record.ts';
import { publicStatus, type State } from './lifecycle/states.ts';

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

/** Returns the order of a list, and the condition for what comes after export $10 of account $1 in it. */
function orderOf({ by, descending }: ExportSort): { order: string; isAfterCursor: string } {
  const value = sortValues[by];
  const [direction, after] = descending ? ['desc', '<'] : ['asc', '>'];
  if (by === 'createdAt') return { order: `l.id ${direction}`, isAfterCursor: `l.id ${after} $10` };
  return {
    order: `${value} ${direction}, l.id ${direction}`,
    isAfterCursor: `(${value}, l.id) ${after}
      (select ${value}, l.id from exports l where l.id = $10 and l.owner_id = $1)`,
  };
}

/** The condition that an export `l` is in the list of account $1. Its parameters are `listedValues`. */
const isListed = `l.owner_id = $1 and l.deleted_at is null
  and ($2::boolean is null or (l.downloaded_at is not null) = $2)
  and not exists (select from unnest($3::text[]) word where strpos(l.known_as, lower(word)) = 0)
  and ${filterSql('l', 4)}`;

const listedValues = (ownerId: string, query: ExportListQuery): unknown[] => [
  ownerId,
  query.downloaded ?? null,
  (query.search ?? '').split(/\s+/).filter((word) => word !== ''),
  ...filterValues(query),
];

/**
 * Returns a page of an account's exports, newest first unless `sort` says otherwise. The cursor is the id of the last
 * export of the page before.
 */
export async function listExports(
  client: Queryable,
  ownerId: string,
  query: ExportListQuery,
): Promise<{ records: ExportRecord[]; nextCursor: string | null }> {
  const { cursor, limit, sort } = query;
  const { order, isAfterCursor } = orderOf(sort);
  // Requests may be large: a page ends with the export whose request reaches `sizes.pageBytes`.
  const { rows: listed } = await client.query<{ id: string; fits: boolean }>(
    `select id, sum(bytes) over (order by place) - bytes < $12 as fits from (
       select l.id, octet_length(l.request::text) as bytes,
         row_number() over (order by ${order}) as place
       from exports l
       where ${isListed} and ($10::uuid is null or ${isAfterCursor})
       order by ${order} limit $11) page
     order by place`,
    [...listedValues(ownerId, query), cursor ?? null, limit + 1, sizes.pageBytes],
  );
  const ids = listed.slice(0, limit).flatMap(({ id, fits }) => (fits ? [id] : []));
  const found = await loadUndeletedExports(client, ids);
  const records = ids.flatMap((id) => found.find((record) => record.id === id) ?? []);
  return { records, nextCursor: listed.length > ids.length ? (ids.at(-1) ?? null) : null };
}

/** Returns how many exports of the list, whatever their status, have each status. It counts the newest 10,000. */
export async function countExports(
  client: Queryable,
  ownerId: string,
  query: ExportListQuery,
): Promise<ExportCounts> {
  const { rows } = await client.query<{ state: State; count: number }>(
    `select state, count(*)::int as count from (
       select ${currentState('l')} as state from exports l
       where ${isListed} order by l.id desc limit $10) newest
     group by state`,
    [...listedValues(ownerId, { ...query, status: undefined }), countedExports],
  );
  const countOf = (status: PublicStatus): number =>
    rows.reduce((sum, { state, count }) => sum + (publicStatus(state) === status ? count : 0), 0);
  return exportCountsSchema.parse(
    Object.fromEntries(statusSchema.options.map((status) => [status, countOf(status)])),
  );
}
