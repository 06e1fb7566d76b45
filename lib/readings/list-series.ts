import type { Account } from '../access/accounts.ts';
import { canonicalInstant } from '../contracts/canonical-instant.ts';
import type { SeriesItem, SeriesList, SeriesListQuery } from '../contracts/readings.ts';
import type { Queryable } from '../runtime/catalogue.ts';
import { invalidFields } from '../runtime/errors.ts';
import { askedBy, askSource } from '../sources/question.ts';
import { readableReadingsOf } from './readings-source.ts';

interface Row {
  series: string;
  unit: string;
  /** In UTC, with six digits in the fraction. */
  at: string | null;
  value: number | null;
}

/**
 * A page of series with their latest readings. The latest reading is looked up by the index for each series of the page:
 * among the readings from the hour of its latest rollup on, or all if it has no rollup. If retention has removed the
 * readings, the rollup has the latest one. By `any` and this order the index by series and time is used: the planner
 * would otherwise take the one by time and read the readings of all series until it finds one of this.
 */
const selectPage = `
  select page.series, page.unit, coalesce(reading.value, case when reading.at is null then hour.last end) as value,
    to_char(coalesce(reading.at, hour.last_at) at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as at
  from (
    select s.series, s.unit from public.series s
    where ($1::text is null or s.series > $1)
      and ($2::text is null or strpos(lower(s.series), lower($2)) > 0)
      and ($4::text[] is null or s.series = any($4))
    order by s.series limit $3
  ) page
  left join lateral (
    select h.at, h.last, h.last_at from public.readings_1h h
    where h.series = page.series order by h.at desc limit 1
  ) hour on true
  left join lateral (
    select r.at, r.value from public.readings r
    where r.series = any(array[page.series]) and r.at >= coalesce(hour.at, '0001-01-01Z') and r.at < '10000-01-01Z'
    order by r.series desc, r.at desc limit 1
  ) reading on true
  order by page.series`;

/**
 * Returns a page of the series that the account may read, by name. It is empty without a grant of the readings. Throws
 * `forbidden` if the grant can only be applied to an export.
 */
export async function listSeries(account: Account, query: SeriesListQuery): Promise<SeriesList> {
  const readable = readableReadingsOf(account);
  if (!readable) return { items: [], nextCursor: null };
  return askSource(readable.source, askedBy(account), (client) =>
    readPage(client, query, readable.series),
  );
}

/**
 * Returns a page of the series, by name. Throws `invalid_request` for a cursor that is not one of ours.
 *
 * @param names the only series to return; null: all
 */
export async function readPage(
  client: Queryable,
  { cursor, search, limit }: SeriesListQuery,
  names: ReadonlySet<string> | null = null,
): Promise<SeriesList> {
  const { rows } = await client.query<Row>(selectPage, [
    cursor === undefined ? null : nameIn(cursor),
    search ?? null,
    limit + 1,
    names && [...names],
  ]);
  const items = rows.slice(0, limit).map(toItem);
  const last = items.at(-1);
  return { items, nextCursor: rows.length > items.length && last ? cursorOf(last.series) : null };
}

function toItem({ series, unit, at, value }: Row): SeriesItem {
  const read = at === null ? undefined : canonicalInstant(at);
  const latest =
    read && 'instant' in read
      ? { at: read.instant, value: Number.isFinite(value) ? value : null }
      : null;
  return { series, unit, latest };
}

/** A page ends with this series. */
const cursorOf = (series: string): string => Buffer.from(series).toString('base64url');

/** Returns the name in a cursor. Throws `invalid_request` if the text is not one of our cursors. */
function nameIn(cursor: string): string {
  const name = Buffer.from(cursor, 'base64url').toString();
  if (name === '' || name.includes('\0') || cursorOf(name) !== cursor)
    throw invalidFields([
      { field: 'cursor', message: 'must be the nextCursor of an earlier answer' },
    ]);
  return name;
}
