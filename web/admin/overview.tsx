import { useQuery } from '@tanstack/react-query';
import { type ReactNode, useState } from 'react';
import type { StatsQuery } from '../../lib/contracts/admin.ts';
import { formatLabels } from '../exports/labels.ts';
import { day } from '../time/format.ts';
import { Select } from '../ui/field.tsx';
import { useNow } from '../ui/now.ts';
import { bytes, duration, formatExact } from '../ui/quantity.ts';
import { useAddress } from './address.ts';
import { BarChart, type StatsItem } from './bar-chart.tsx';
import { statsQuery } from './queries.ts';
import { Loaded, refreshMs, SectionHead, Updated } from './section.tsx';

const ranges = { '7': 'Last 7 days', '30': 'Last 30 days', '90': 'Last 90 days' };
const defaultRange = '30';
const dayMs = 86_400_000;
/** Bars of a list; the table has all. */
const maxBars = 8;

export function Overview(): ReactNode {
  const [valueOf, change] = useAddress(['days']);
  const chosen = valueOf('days');
  const range = Object.hasOwn(ranges, chosen) ? chosen : defaultRange;
  const [paused, setPaused] = useState(false);
  const today = new Date(useNow(60_000)).toISOString().slice(0, 10);
  const days = daysUntil(today, Number(range));
  const from = `${days[0] ?? today}T00:00:00Z`;
  const byDay = useStats('day', from, paused);
  const byOwner = useStats('owner', from, paused);
  const bySource = useStats('source', from, paused);
  const byFormat = useStats('format', from, paused);
  return (
    <div className="space-y-4">
      <SectionHead title="Overview">
        <Updated at={byDay.dataUpdatedAt} paused={paused} onPause={setPaused} />
        <Select
          aria-label="Time range"
          className="min-w-[150px]"
          value={range}
          onChange={({ target }) =>
            change({ days: target.value === defaultRange ? '' : target.value })
          }
        >
          {Object.entries(ranges).map(([value, label]) => (
            <option key={value} value={value}>
              {label}
            </option>
          ))}
        </Select>
      </SectionHead>
      <Loaded what="the numbers" query={byDay}>
        {({ items }) => (
          <>
            <Totals items={items} />
            <div className="grid gap-4 xl:grid-cols-3">
              <BarChart
                title="Exports"
                unit="exports per day, days in UTC"
                layout="days"
                bars={dayBars(items, days, (item) => item.exports)}
                format={formatExact}
                items={items}
                keyName="Day (UTC)"
              />
              <BarChart
                title="Size of the files"
                unit="bytes per day, days in UTC"
                layout="days"
                bars={dayBars(items, days, (item) => item.bytes, false)}
                format={bytes}
                items={items}
                keyName="Day (UTC)"
              />
              <BarChart
                title="Time to the file"
                unit="95 % within, per day, days in UTC"
                layout="days"
                bars={dayBars(items, days, (item) => item.seconds.p95 ?? 0, false)}
                format={(value) => (value === 0 ? '0 s' : duration(value))}
                items={items}
                keyName="Day (UTC)"
              />
            </div>
          </>
        )}
      </Loaded>
      <div className="grid gap-4 xl:grid-cols-3">
        {[
          { title: 'Accounts', keyName: 'Account', query: byOwner, nameOf: itself },
          { title: 'Sources', keyName: 'Source', query: bySource, nameOf: itself },
          { title: 'Formats', keyName: 'Format', query: byFormat, nameOf: formatName },
        ].map(({ title, keyName, query, nameOf }) => (
          <Loaded key={title} what={`the numbers by ${keyName.toLowerCase()}`} query={query}>
            {({ items }) => (
              <BarChart
                title={title}
                unit={
                  items.length > maxBars
                    ? `exports, the first ${maxBars} of ${items.length}`
                    : 'exports'
                }
                layout="list"
                bars={items.slice(0, maxBars).map((item) => ({
                  key: item.key,
                  label: nameOf(item.key),
                  value: item.exports,
                  failed: item.failed,
                }))}
                format={formatExact}
                items={items}
                keyName={keyName}
              />
            )}
          </Loaded>
        ))}
      </div>
    </div>
  );
}

const useStats = (by: StatsQuery['by'], from: string, paused: boolean) =>
  useQuery({ ...statsQuery(by, from), refetchInterval: paused ? false : refreshMs });

function Totals({ items }: { items: readonly StatsItem[] }): ReactNode {
  const sum = (valueOf: (item: StatsItem) => number): number =>
    items.reduce((total, item) => total + valueOf(item), 0);
  const failed = sum((item) => item.failed);
  const totals = [
    { name: 'Exports', value: formatExact(sum((item) => item.exports)) },
    { name: 'With a file', value: formatExact(sum(({ ready }) => ready)) },
    { name: 'Failed', value: formatExact(failed), tone: failed > 0 ? 'text-danger' : '' },
    { name: 'Rows', value: formatExact(sum(({ rows }) => rows)) },
    { name: 'Size', value: bytes(sum((item) => item.bytes)) },
  ];
  return (
    <dl className="grid grid-cols-2 gap-4 sm:grid-cols-3 lg:grid-cols-5">
      {totals.map(({ name, value, tone = '' }) => (
        <div
          key={name}
          className="flex min-w-0 flex-col-reverse rounded-card border border-line p-4"
        >
          <dt className="text-xs text-muted">{name}</dt>
          <dd className={`text-lg font-semibold wrap-anywhere ${tone}`}>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

/** Returns the last days up to this one, `YYYY-MM-DD`. */
const daysUntil = (today: string, count: number): string[] =>
  Array.from({ length: count }, (_, index) =>
    new Date(Date.parse(today) - (count - 1 - index) * dayMs).toISOString().slice(0, 10),
  );

/** Days without exports have a bar of 0. */
function dayBars(
  items: readonly StatsItem[],
  days: readonly string[],
  valueOf: (item: StatsItem) => number,
  withFailed = true,
): { key: string; label: string; value: number; failed: number }[] {
  const byDay = new Map(items.map((item) => [item.key.slice(0, 10), item]));
  return days.map((key) => {
    const item = byDay.get(key);
    return {
      key,
      label: day('UTC', `${key}T00:00:00Z`),
      value: item ? valueOf(item) : 0,
      failed: item && withFailed ? item.failed : 0,
    };
  });
}

const itself = (key: string): string => key;

const formatName = (key: string): string =>
  new Map<string, string>(Object.entries(formatLabels)).get(key) ?? key;
