import { z } from 'zod';
import type { AdminExports, AdminExportsQuery } from '../contracts/admin.ts';
import type { ExportDocument } from '../contracts/export-document.ts';
import { sizes } from '../contracts/sizes.ts';
import { toDocument } from '../exports/export-document.ts';
import { filterSql, filterValues } from '../exports/export-filters.ts';
import { loadExports } from '../exports/export-record.ts';
import type { Queryable } from '../runtime/catalogue.ts';
import type { CsvList } from './csv.ts';
import { cursorOf, readCursor } from './cursor.ts';

/** Returns a page of the exports of all accounts, deleted ones too, newest first. */
export async function listAllExports(
  client: Queryable,
  query: AdminExportsQuery,
  limit: number,
): Promise<AdminExports> {
  const { cursor, owner } = query;
  const before = cursor === undefined ? null : readCursor(z.uuid(), cursor);
  // As in the list of an account: a page ends with the export whose request reaches `sizes.pageBytes`.
  const { rows: listed } = await client.query<{ id: string; fits: boolean }>(
    `select id, sum(bytes) over (order by id desc) - bytes < $3 as fits from (
       select e.id, octet_length(e.request::text) as bytes from exports e
       where ($1::uuid is null or e.id < $1)
         and ($2::text is null or e.owner_id = (select a.id from accounts a where lower(a.email) = lower($2)))
         and ${filterSql('e', 5)}
       order by e.id desc limit $4) page
     order by id desc`,
    [before, owner ?? null, sizes.pageBytes, limit + 1, ...filterValues(query)],
  );
  const ids = listed.slice(0, limit).flatMap(({ id, fits }) => (fits ? [id] : []));
  const records = await loadExports(client, ids);
  const last = ids.at(-1);
  return {
    items: records.map(toDocument),
    nextCursor: listed.length > ids.length && last !== undefined ? cursorOf(last) : null,
  };
}

const header = [
  'id',
  'status',
  'owner',
  'sources',
  'dataset',
  'format',
  'compression',
  'from',
  'to',
  'createdAt',
  'startedAt',
  'finishedAt',
  'expiresAt',
  'downloadedAt',
  'rows',
  'bytes',
  'fileName',
  'sha256',
  'errorCode',
  'errorMessage',
  'name',
];

/** Returns the same as CSV. */
export const exportsCsv = (
  client: Queryable,
  query: AdminExportsQuery,
): CsvList<ExportDocument> => ({
  header,
  toRow: ({ request, file, progress, error, ...document }) => [
    document.id,
    document.status,
    document.owner,
    request.sources.join(' '),
    request.dataset,
    request.format,
    request.compression,
    request.from ?? null,
    request.to ?? null,
    document.createdAt,
    document.startedAt,
    document.finishedAt,
    document.expiresAt,
    document.downloadedAt,
    file?.rows ?? progress.rows,
    file?.bytes ?? progress.bytes,
    file?.name ?? null,
    file?.sha256 ?? null,
    error?.code ?? null,
    error?.message ?? null,
    request.name ?? null,
  ],
  read: (cursor, limit) => listAllExports(client, { ...query, cursor }, limit),
});
