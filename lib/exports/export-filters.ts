import type { PublicStatus } from '../contracts/export-document.ts';
import type { ExportRequest } from '../contracts/export-request.ts';
import { currentState } from './export-record.ts';
import { statesOf } from './lifecycle/states.ts';

/** The filters that the list of an account and that of all accounts have in common. */
interface ExportFilters {
  source?: string | undefined;
  dataset?: string | undefined;
  format?: ExportRequest['format'] | undefined;
  status?: PublicStatus | undefined;
  from?: string | undefined;
  to?: string | undefined;
}

/** Returns the condition that export `e` meets the filters. Its parameters are `filterValues`, from number `first` on. */
export const filterSql = (e: string, first: number): string => `
  ($${first}::text is null or (${e}.request -> 'sources')::jsonb ? $${first})
  and ($${first + 1}::text is null or ${e}.request ->> 'dataset' = $${first + 1})
  and ($${first + 2}::text is null or ${e}.request ->> 'format' = $${first + 2})
  and ($${first + 3}::text[] is null or ${currentState(e)} = any($${first + 3}))
  and ($${first + 4}::timestamptz is null or ${e}.created_at >= $${first + 4})
  and ($${first + 5}::timestamptz is null or ${e}.created_at < $${first + 5})`;

export const filterValues = ({
  source,
  dataset,
  format,
  status,
  from,
  to,
}: ExportFilters): unknown[] => [
  source ?? null,
  dataset ?? null,
  format ?? null,
  status ? statesOf(status) : null,
  from ?? null,
  to ?? null,
];
