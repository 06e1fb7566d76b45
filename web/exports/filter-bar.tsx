import type { ReactNode } from 'react';
import { sizes } from '../../lib/contracts/sizes.ts';
import { Select } from '../ui/field.tsx';
import { Icon } from '../ui/icons.tsx';
import type { Filters } from './filters.ts';
import { statusWords } from './status.tsx';

interface Props {
  filters: Filters;
  onChange: (change: Partial<Filters>) => void;
}

export function FilterBar({ filters, onChange }: Props): ReactNode {
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
          value={filters.search}
          onChange={(event) => onChange({ search: event.target.value })}
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
