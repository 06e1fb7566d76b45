import {
  type ComponentProps,
  type ReactNode,
  useEffect,
  useEffectEvent,
  useRef,
  useState,
} from 'react';
import type { ExportCounts, PublicStatus } from '../../lib/contracts/export-document.ts';
import { formats } from '../../lib/contracts/format-capabilities.ts';
import { sizes } from '../../lib/contracts/sizes.ts';
import type { ListFilters } from '../api/calls.ts';
import { Icon } from '../ui/icons.tsx';
import { formatExact } from '../ui/quantity.ts';
import { formatLabels } from './labels.ts';
import { statusLabels, statusStyles } from './status.tsx';

interface Props {
  filters: ListFilters;
  /** The names of the sources that the account may read. */
  sources: readonly string[];
  counts: ExportCounts | undefined;
  onChange: (change: Partial<ListFilters>) => void;
}

export function SearchField({ filters, onChange }: Pick<Props, 'filters' | 'onChange'>): ReactNode {
  const [search, setSearch] = useTyped(filters.search, (typed) => onChange({ search: typed }));
  return (
    <search
      aria-label="Exports"
      className="relative max-sm:order-last max-sm:basis-full sm:max-w-[320px] sm:flex-1"
    >
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
    </search>
  );
}

export function FilterBar({
  filters,
  sources,
  counts,
  onChange,
  children,
}: Props & { children: ReactNode }): ReactNode {
  return (
    <div
      role="group"
      aria-label="Filters"
      className="-mx-4 flex items-center gap-2 overflow-x-auto px-4 py-1 sm:mx-0 sm:flex-wrap sm:overflow-visible sm:px-0"
    >
      <StatusChips counts={counts} status={filters.status} onChange={onChange} />
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
      <button
        type="button"
        aria-pressed={filters.showDownloaded}
        className="chip"
        onClick={() => onChange({ showDownloaded: !filters.showDownloaded })}
      >
        {filters.showDownloaded ? <Icon name="check" /> : null}
        Show downloaded
      </button>
      {children}
    </div>
  );
}

/** The statuses that exports of the list have, with their numbers. A press filters by one, a second press ends it. */
function StatusChips({
  counts,
  status,
  onChange,
}: {
  counts: ExportCounts | undefined;
  status: PublicStatus | null;
  onChange: Props['onChange'];
}): ReactNode {
  const total = statuses.reduce((sum, each) => sum + (counts?.[each] ?? 0), 0);
  return (
    <div role="group" aria-label="Status" className="contents">
      <button
        type="button"
        aria-pressed={status === null}
        className="chip"
        onClick={() => onChange({ status: null })}
      >
        All{counts ? <span>{formatExact(total)}</span> : null}
      </button>
      {statuses
        .filter((each) => each === status || (counts?.[each] ?? 0) > 0)
        .map((each) => (
          <button
            key={each}
            type="button"
            aria-pressed={status === each}
            className="chip"
            onClick={() => onChange({ status: status === each ? null : each })}
          >
            <Icon name={statusStyles[each].icon} className={statusStyles[each].color} />
            {statusLabels[each]}
            <span>{formatExact(counts?.[each] ?? 0)}</span>
          </button>
        ))}
    </div>
  );
}

/** The browser's own list of choices, among chips. */
export function ChipSelect({
  isChosen,
  ...select
}: ComponentProps<'select'> & { isChosen: boolean }): ReactNode {
  return (
    <div className="relative">
      <select
        {...select}
        className={`chip appearance-none bg-background pr-7 ${isChosen ? 'border-accent font-medium text-text' : ''}`}
      />
      <Icon
        name="chevron"
        className="pointer-events-none absolute inset-y-0 right-2 my-auto text-muted"
      />
    </div>
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
    <ChipSelect
      aria-label={label}
      isChosen={value !== null}
      value={value ?? ''}
      onChange={({ target }) => onChoose(entries.find((entry) => entry === target.value) ?? null)}
    >
      <option value="">{all}</option>
      {entries.map((entry) => (
        <option key={entry} value={entry}>
          {names?.[entry] ?? entry}
        </option>
      ))}
    </ChipSelect>
  );
}

const statuses = ['running', 'queued', 'ready', 'failed', 'cancelled', 'expired'] as const;

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
