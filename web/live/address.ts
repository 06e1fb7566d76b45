import { sizes } from '../../lib/contracts/sizes.ts';
import { maxSeries, type View } from './feed.ts';
import { parseInstant, toInstant } from './instant.ts';

/** What the address of the page says: `/live?series=pump-1&series=pump-2&range=1h`, or `&from=…&to=…`. */
export interface LiveAddress {
  series: readonly string[];
  view: View;
}

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;

/** The ranges to choose from. */
export const ranges = [
  { id: '15m', label: '15 min', ms: 15 * minute },
  { id: '1h', label: '1 h', ms: hour },
  { id: '6h', label: '6 h', ms: 6 * hour },
  { id: '24h', label: '24 h', ms: day },
  { id: '7d', label: '7 d', ms: 7 * day },
  { id: '30d', label: '30 d', ms: 30 * day },
  { id: '1y', label: '1 year', ms: 365 * day },
] as const;

export const liveView = (ms: number = ranges[0].ms): View => ({ kind: 'live', windowMs: ms });

/** Reads an address. What cannot be read is left out: the page shows what it shows without it. */
export function readAddress(query: URLSearchParams): LiveAddress {
  const names = query
    .getAll('series')
    .filter((name) => name !== '' && name.length <= sizes.nameCharacters);
  const range = ranges.find(({ id }) => id === query.get('range'));
  const from = parseInstant(query.get('from') ?? '');
  const to = parseInstant(query.get('to') ?? '');
  return {
    series: [...new Set(names)].slice(0, maxSeries),
    view: from < to ? { kind: 'fixed', from, to } : liveView(range?.ms),
  };
}

/** Returns the query of an address. */
export function toQuery({ series, view }: LiveAddress): URLSearchParams {
  const query = new URLSearchParams();
  for (const name of series) query.append('series', name);
  if (view.kind === 'fixed') {
    query.set('from', toInstant(view.from));
    query.set('to', toInstant(view.to));
  } else {
    const range = ranges.find(({ ms }) => ms === view.windowMs);
    if (range && range !== ranges[0]) query.set('range', range.id);
  }
  return query;
}
