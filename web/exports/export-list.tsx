import { useQuery } from '@tanstack/react-query';
import { lazy, type ReactNode, Suspense, useDeferredValue, useState } from 'react';
import type { ListSort } from '../api/calls.ts';
import { sourcesQuery } from '../api/sources-query.ts';
import { Button, TextButton } from '../ui/button.tsx';
import { useWide } from '../ui/media.ts';
import { FailedPanel, Note, Skeleton } from '../ui/panels.tsx';
import { ExportTable } from './export-table.tsx';
import { FilterBar, SearchField } from './filter-bar.tsx';
import { noFilters, useFilters } from './filters.ts';
import { NotificationButton } from './notification-button.tsx';
import { useExportsPageState } from './page-state.tsx';
import { useRowFocus } from './use-row-focus.ts';
import { useRows } from './use-rows.ts';
import { useSelection } from './use-selection.ts';

const SortChoice = lazy(() => import('./sort-choice.tsx'));
const SelectionBar = lazy(() => import('./selection-bar.tsx'));
const EmptyList = lazy(() => import('./empty-list.tsx'));
const DownloadedNote = lazy(() => import('./downloaded-note.tsx'));

/** The list with its search, filters and actions. `heading` is in the line of the search. */
export function ExportList({ heading }: { heading: ReactNode }): ReactNode {
  const [filters, setFilters] = useFilters();
  const {
    rows: currentRows,
    searching: currentSearching,
    error,
    refetch,
    loadMore,
    loadingMore,
    counts,
    downloaded,
    newer,
    showNewer,
  } = useRows(filters);
  // Drawing many rows must not delay more urgent updates.
  const { rows, searching } = useDeferredValue(
    { rows: currentRows, searching: currentSearching },
    { rows: undefined, searching: false },
  );
  useRowFocus(rows);
  // The form next to the list has requested them; without it the list does not need them.
  const { data: sourceNames = [] } = useQuery({
    ...sourcesQuery,
    enabled: false,
    select: ({ sources }) => sources.map(({ name }) => name),
  });
  const { focusRow } = useExportsPageState();
  const wide = useWide();
  const selection = useSelection(rows?.map(({ document }) => document.id) ?? []);
  const selected = rows?.filter(({ document }) => selection.has(document.id)) ?? [];
  const [dismissed, setDismissed] = useState<ReadonlySet<string>>(new Set());
  const noted = downloaded.filter(({ id }) => !dismissed.has(id));
  const dismiss = (): void => setDismissed(new Set(downloaded.map(({ id }) => id)));
  const setSort = (sort: ListSort): void => setFilters({ sort });

  return (
    <div className="space-y-3">
      <div className="flex flex-wrap items-center gap-3">
        {heading}
        <SearchField filters={filters} onChange={setFilters} />
        <div className="ml-auto">
          <NotificationButton />
        </div>
      </div>
      {selected.length > 0 ? (
        <Suspense fallback={<div className="min-h-9" />}>
          <SelectionBar selected={selected} onClear={() => selection.set([])} />
        </Suspense>
      ) : (
        <FilterBar filters={filters} sources={sourceNames} counts={counts} onChange={setFilters}>
          {wide ? null : (
            <Suspense>
              <SortChoice sort={filters.sort} onSort={setSort} />
            </Suspense>
          )}
        </FilterBar>
      )}
      {noted.length > 0 ? (
        <Suspense>
          <DownloadedNote
            documents={noted}
            onDismiss={dismiss}
            onShow={() => {
              dismiss();
              setFilters({ showDownloaded: true });
            }}
          />
        </Suspense>
      ) : null}
      {newer.length > 0 ? (
        <Note tone="plain">
          {`${newer.length} new ${newer.length === 1 ? 'export' : 'exports'}`}
          <TextButton
            onClick={() => {
              focusRow(newer[0]?.id ?? null);
              showNewer();
            }}
          >
            Show
          </TextButton>
        </Note>
      ) : null}
      {rows === undefined || (searching && rows.length === 0) ? (
        error ? (
          <FailedPanel what="exports" error={error} onRetry={refetch} />
        ) : (
          <Skeleton label="Loading exports" rows={4} />
        )
      ) : rows.length > 0 ? (
        <ExportTable rows={rows} sort={filters.sort} onSort={setSort} selection={selection} />
      ) : (
        <Suspense>
          <EmptyList
            filters={filters}
            onClear={() => {
              setFilters({ ...noFilters, showDownloaded: filters.showDownloaded });
              focusSearch();
            }}
            onShowDownloaded={() => {
              setFilters({ showDownloaded: true });
              focusSearch();
            }}
          />
        </Suspense>
      )}
      {rows && loadMore ? (
        <div className="flex justify-center">
          <Button
            busy={loadingMore}
            onClick={() => {
              // The button goes with the last page: the focus moves on to the first row of that page.
              loadMore(focusRow);
            }}
          >
            {loadingMore ? 'Loading…' : 'Load more'}
          </Button>
        </div>
      ) : null}
    </div>
  );
}

/** The button that had the focus goes with its cause. */
const focusSearch = (): void =>
  document.querySelector<HTMLElement>('input[type="search"]')?.focus();
