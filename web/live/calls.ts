import type { LiveTicket } from '../../lib/contracts/live.ts';
import type { Readings, SeriesList } from '../../lib/contracts/readings.ts';
import { call, json } from '../api/client.ts';
import type { Conditional, ReadingsQuery, SeriesQuery } from './feed.ts';

/** The server's clock minus the browser's, in ms. */
let clockDifferenceMs = 0;

/** Returns the time of the server in ms, so that ages are right in a browser whose clock is not. */
export const serverNow = (): number => Date.now() + clockDifferenceMs;

/** Returns the address of a new live socket. */
export async function requestLiveUrl(): Promise<string> {
  const sentAt = Date.now();
  const response = await call('/live-tickets', { method: 'POST' });
  noteServerTime(response, sentAt);
  const { url } = await json<LiveTicket>(response);
  // Page and socket have one origin, and the policy of the page allows no other host.
  const address = new URL(url);
  address.host = location.host;
  return address.href;
}

/** Returns the points of a series; no body if they have not changed. */
export function getReadings(
  query: ReadingsQuery,
  etag: string | null,
  signal: AbortSignal,
): Promise<Conditional<Readings>> {
  return getConditionally(`/readings?${new URLSearchParams({ ...query })}`, etag, signal);
}

/** Returns a page of the list of series; no body if it has not changed. */
export function listSeries(
  { limit, ...query }: SeriesQuery,
  etag: string | null,
  signal: AbortSignal,
): Promise<Conditional<SeriesList>> {
  const parameters = new URLSearchParams({ ...query, limit: String(limit) });
  return getConditionally(`/series?${parameters}`, etag, signal);
}

async function getConditionally<T>(
  path: string,
  etag: string | null,
  signal: AbortSignal,
): Promise<Conditional<T>> {
  const response = await call(path, {
    signal,
    accept: [304],
    headers: etag === null ? {} : { 'If-None-Match': etag },
  });
  return {
    body: response.status === 304 ? null : await json<T>(response),
    etag: response.headers.get('ETag') ?? etag,
  };
}

/** `Date` has whole seconds: smaller differences of the clocks are not corrected. */
function noteServerTime(response: Response, sentAt: number): void {
  const date = Date.parse(response.headers.get('Date') ?? '');
  if (Number.isNaN(date)) return;
  const difference = date + 500 - (sentAt + Date.now()) / 2;
  clockDifferenceMs = Math.abs(difference) < 2_000 ? 0 : difference;
}
