import { type ReactNode, useEffect, useEffectEvent, useRef, useState } from 'react';
import { formats } from '../../lib/contracts/format-capabilities.ts';
import { sizes } from '../../lib/contracts/sizes.ts';
import type { ListFilters } from '../api/calls.ts';
import { Select } from '../ui/field.tsx';
import { Icon } from '../ui/icons.tsx';
import { formatLabels } from './labels.ts';
import { statusLabels } from './status.tsx';

interface Props {
  filters: ListFilters;
  /** The names of the sources that the account may read. */
  sources: readonly string[];
  onChange: (change: Partial<ListFilters>) => void;
}

export function FilterBar({ filters, sources, onChange }: Props): ReactNode {
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
      <Choice
        label="Status"
        all="All statuses"
        names={statusLabels}
        choices={statuses}
        value={filters.status}
        onChoose={(status) => onChange({ status })}
      />
      <Choice
        label="Kind of file"
        all="All formats"
        names={formatLabels}
        choices={formats}
        value={filters.format}
        onChoose={(format) => onChange({ format })}
      />
      {sources.length > 1 || filters.source !== null ? (
        <Choice
          label="Read from"
          all="All sources"
          choices={sources}
          value={filters.source}
          onChoose={(source) => onChange({ source })}
        />
      ) : null}
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

/** A list with an entry for all. A value from the address that is no entry is one. */
function Choice<T extends string>({
  label,
  all,
  names,
  choices,
  value,
  onChoose,
}: {
  label: string;
  all: string;
  names?: Record<T, string>;
  choices: readonly T[];
  value: T | null;
  onChoose: (value: T | null) => void;
}): ReactNode {
  const entries = value === null || choices.includes(value) ? choices : [...choices, value];
  return (
    <Select
      aria-label={label}
      className="min-w-[130px] flex-1 sm:flex-none"
      value={value ?? ''}
      onChange={({ target }) => onChoose(entries.find((entry) => entry === target.value) ?? null)}
    >
      <option value="">{all}</option>
      {entries.map((entry) => (
        <option key={entry} value={entry}>
          {names?.[entry] ?? entry}
        </option>
      ))}
    </Select>
  );
}

const statuses = ['queued', 'running', 'ready', 'failed', 'cancelled', 'expired'] as const;

const debounceMs = 250;

/**
 * Returns the text of the search field and a function that sets it. The text is applied 250 ms after the last key. The
 * field has its own state because the address, which has the applied text, may change too late for the next key; a
 * change of the address by something else ("Clear filters") is copied into the field.
 */
function useTyped(
  applied: string,
  apply: (typed: string) => void,
): [string, (typed: string) => void] {
  const [typed, setTyped] = useState(applied);
  const sent = useRef<string[]>([]);
  useEffect(() => {
    const arrived = sent.current.indexOf(applied);
    if (arrived === -1) setTyped(applied);
    else sent.current.splice(0, arrived + 1);
  }, [applied]);
  const applyNow = useEffectEvent((words: string) => {
    sent.current.push(words);
    apply(words);
  });
  useEffect(() => {
    const words = typed.trim();
    if (words === applied) return;
    const timer = setTimeout(() => applyNow(words), debounceMs);
    return () => clearTimeout(timer);
  }, [typed, applied]);
  return [typed, setTyped];
}
