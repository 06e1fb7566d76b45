import { type ReactNode, useEffect, useEffectEvent, useRef, useState } from 'react';
import { sizes } from '../../lib/contracts/sizes.ts';
import type { ListFilters } from '../api/calls.ts';
import { Select } from '../ui/field.tsx';
import { Icon } from '../ui/icons.tsx';
import { statusWords } from './status.tsx';

interface Props {
  filters: ListFilters;
  onChange: (change: Partial<ListFilters>) => void;
}

export function FilterBar({ filters, onChange }: Props): ReactNode {
  const [search, setSearch] = useTyped(filters.search, (typed) => onChange({ search: typed }));
  return (
    <search aria-label="Exports" className="flex flex-wrap items-center gap-3">
      <div className="relative min-w-[180px] flex-1">
        <Icon
          name="search"
          className="pointer-events-none absolute inset-y-0 left-3 my-auto text-muted"
        />
        <input
          type="search"
          aria-label="Search exports"
          placeholder="Search"
          className="input pl-9"
          maxLength={sizes.nameCharacters}
          value={search}
          onChange={(event) => setSearch(event.target.value)}
        />
      </div>
      <Select
        aria-label="Status"
        className="min-w-[150px] flex-1 sm:flex-none"
        value={filters.status ?? ''}
        onChange={(event) => {
          const { value } = event.target;
          onChange({ status: statuses.find((status) => status === value) ?? null });
        }}
      >
        <option value="">All statuses</option>
        {statuses.map((status) => (
          <option key={status} value={status}>
            {statusWords[status]}
          </option>
        ))}
      </Select>
      <label className="control-small flex cursor-pointer items-center gap-2 text-sm">
        <input
          type="checkbox"
          className="size-4 cursor-pointer accent-accent"
          checked={filters.showDownloaded}
          onChange={(event) => onChange({ showDownloaded: event.target.checked })}
        />
        Show downloaded
      </label>
    </search>
  );
}

const statuses = ['queued', 'running', 'ready', 'failed', 'cancelled', 'expired'] as const;

const stillMs = 250;

/**
 * What is typed stays in the field, and is taken over when it has been left alone: the address, which has what was
 * taken, may follow too late for the next key. What changes there by itself (Clear filters) is shown.
 */
function useTyped(taken: string, take: (typed: string) => void): [string, (typed: string) => void] {
  const [typed, setTyped] = useState(taken);
  const ours = useRef<string[]>([]);
  useEffect(() => {
    const arrived = ours.current.indexOf(taken);
    if (arrived === -1) setTyped(taken);
    else ours.current.splice(0, arrived + 1);
  }, [taken]);
  const takeNow = useEffectEvent((words: string) => {
    ours.current.push(words);
    take(words);
  });
  useEffect(() => {
    const words = typed.trim();
    if (words === taken) return;
    const timer = setTimeout(() => takeNow(words), stillMs);
    return () => clearTimeout(timer);
  }, [typed, taken]);
  return [typed, setTyped];
}
