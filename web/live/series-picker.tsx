import { keepPreviousData, useInfiniteQuery } from '@tanstack/react-query';
import { type ReactNode, useEffect, useState } from 'react';
import type { LiveReading } from '../../lib/contracts/live.ts';
import type { SeriesItem } from '../../lib/contracts/readings.ts';
import { sizes } from '../../lib/contracts/sizes.ts';
import { Button, TextButton } from '../ui/button.tsx';
import { Icon } from '../ui/icons.tsx';
import { FailedPanel } from '../ui/panels.tsx';
import { listSeries } from './calls.ts';
import { liveSocket } from './connection.ts';
import { maxSeries } from './feed.ts';
import { parseInstant } from './instant.ts';
import { valueText } from './labels.ts';

interface Props {
  chosen: readonly string[];
  onChange: (series: readonly string[], items: readonly SeriesItem[]) => void;
}

/** Queries the series whose names have a text. */
export const useSeriesList = (search: string) =>
  useInfiniteQuery({
    queryKey: ['series', search],
    queryFn: async ({ pageParam, signal }) => {
      const query = {
        limit: 50,
        ...(search !== '' && { search }),
        ...(pageParam !== null && { cursor: pageParam }),
      };
      const { body } = await listSeries(query, null, signal);
      if (!body) throw new Error('The server answered 304 to a request without an ETag');
      return body;
    },
    initialPageParam: firstPage,
    getNextPageParam: ({ nextCursor }) => nextCursor,
    placeholderData: keepPreviousData,
    staleTime: 30_000,
  });

const firstPage: string | null = null;

/** Chooses series by name. The list shows their values while they arrive. */
export function SeriesPicker({ chosen, onChange }: Props): ReactNode {
  const [typed, setTyped] = useState('');
  const search = useDelayed(typed.trim());
  const list = useSeriesList(search);
  const items = list.data?.pages.flatMap((page) => page.items) ?? [];
  const latest = useLatest(items);
  const isFull = chosen.length >= maxSeries;
  const choose = (series: string, isChosen: boolean): void =>
    onChange(isChosen ? [...chosen, series] : chosen.filter((name) => name !== series), items);
  return (
    <div>
      <div className="relative border-b border-line p-2">
        <Icon
          name="search"
          className="pointer-events-none absolute inset-y-0 left-5 my-auto text-muted"
        />
        <input
          type="search"
          aria-label="Search series"
          placeholder="Search series"
          className="input pl-9"
          maxLength={sizes.nameCharacters}
          value={typed}
          onChange={({ target }) => setTyped(target.value)}
        />
      </div>
      {chosen.length > 0 ? (
        <p className="flex min-h-8 items-center justify-between gap-2 border-b border-line px-4 text-xs text-muted">
          {`${chosen.length} chosen${isFull ? ', which is the most' : ''}`}
          <TextButton className="text-xs" onClick={() => onChange([], [])}>
            Clear
          </TextButton>
        </p>
      ) : null}
      {list.error && items.length === 0 ? (
        <FailedPanel what="the series" error={list.error} onRetry={() => void list.refetch()} />
      ) : null}
      <fieldset
        className="max-h-[320px] overflow-y-auto p-1 lg:max-h-[calc(100dvh-300px)]"
        aria-busy={list.isPending}
      >
        <legend className="sr-only">Series</legend>
        {items.map(({ series, unit }) => (
          <label
            key={series}
            className="control-small flex cursor-pointer items-center gap-2 rounded-control px-2 hover:bg-hover"
          >
            <input
              type="checkbox"
              aria-label={series}
              className="size-4 shrink-0 cursor-pointer accent-accent"
              checked={chosen.includes(series)}
              disabled={isFull && !chosen.includes(series)}
              onChange={({ target }) => choose(series, target.checked)}
            />
            <span className="min-w-0 flex-1 wrap-anywhere">{series}</span>
            <span aria-hidden="true" className="text-xs whitespace-nowrap text-muted">
              {latestText(latest.get(series), unit)}
            </span>
          </label>
        ))}
        {list.isSuccess && items.length === 0 && search !== '' ? (
          <p className="px-2 py-1 text-muted">No series with that in its name.</p>
        ) : null}
        {list.hasNextPage ? (
          <Button
            small
            variant="quiet"
            className="w-full"
            busy={list.isFetchingNextPage}
            onClick={() => void list.fetchNextPage()}
          >
            {list.isFetchingNextPage ? 'Loading…' : 'Load more'}
          </Button>
        ) : null}
      </fieldset>
    </div>
  );
}

const latestText = (value: number | null | undefined, unit: string): string =>
  value === undefined ? unit : valueText(value, unit);

/** The list of values is for choosing; the chart has all readings. */
const latestMs = 1_000;
/** The series of the chart count too; a connection has at most 200. */
const maxListened = 50;

/** Returns the latest values of series, and changes them once a second while readings arrive. */
function useLatest(items: readonly SeriesItem[]): ReadonlyMap<string, number | null> {
  const [arrived, setArrived] = useState<ReadonlyMap<string, number>>(new Map());
  const names = items.slice(0, maxListened).map(({ series }) => series);
  const lines = names.join('\n');
  useEffect(() => {
    const pending = new Map<string, number>();
    const listener = {
      isOptional: true,
      onReadings: (readings: readonly LiveReading[]) => {
        for (const [series, , value] of readings) pending.set(series, value);
      },
    };
    const stop = liveSocket.listen(listener, lines === '' ? [] : lines.split('\n'));
    const timer = setInterval(() => {
      if (pending.size === 0) return;
      const changes = [...pending];
      pending.clear();
      setArrived((before) => new Map([...before, ...changes]));
    }, latestMs);
    return () => {
      clearInterval(timer);
      stop();
    };
  }, [lines]);
  return new Map(
    items
      .filter(({ series, latest }) => latest !== null || arrived.has(series))
      .map(({ series, latest }) => [series, arrived.get(series) ?? latest?.value ?? null]),
  );
}

/** Returns the value as it was 250 ms after its last change. */
function useDelayed(value: string): string {
  const [delayed, setDelayed] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setDelayed(value), 250);
    return () => clearTimeout(timer);
  }, [value]);
  return delayed;
}

/** Returns the series with the newest readings. */
export const newestSeries = (items: readonly SeriesItem[], count: number): SeriesItem[] =>
  items
    .filter(({ latest }) => latest !== null)
    .toSorted((a, b) => parseInstant(b.latest?.at ?? '') - parseInstant(a.latest?.at ?? ''))
    .slice(0, count);
