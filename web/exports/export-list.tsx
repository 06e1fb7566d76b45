import { useQuery } from '@tanstack/react-query';
import { type ReactNode, useDeferredValue, useState } from 'react';
import type { ExportDocument } from '../../lib/contracts/export-document.ts';
import type { ListFilters } from '../api/calls.ts';
import { sourcesQuery } from '../api/sources-query.ts';
import { Button, TextButton } from '../ui/button.tsx';
import { Icon } from '../ui/icons.tsx';
import { useNow } from '../ui/now.ts';
import { EmptyPanel, FailedPanel, Note, Skeleton } from '../ui/panels.tsx';
import { ExportTable } from './export-table.tsx';
import { FilterBar } from './filter-bar.tsx';
import { isFiltered, noFilters, useFilters } from './filters.ts';
import { exportName } from './labels.ts';
import { useExportsPageState } from './page-state.tsx';
import { useRowFocus } from './use-row-focus.ts';
import { useRows } from './use-rows.ts';

export function ExportList(): ReactNode {
  const [filters, setFilters] = useFilters();
  const {
    rows: currentRows,
    searching: currentSearching,
    error,
    refetch,
    loadMore,
    loadingMore,
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
  useNow(30_000);

  return (
    <div className="space-y-4">
      <FilterBar filters={filters} sources={sourceNames} onChange={setFilters} />
      <DownloadedNote documents={downloaded} onShow={() => setFilters({ showDownloaded: true })} />
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
        <ExportTable rows={rows} />
      ) : (
        <Empty filters={filters} onClear={() => setFilters(noFilters)} />
      )}
      {rows && loadMore ? (
        <div className="flex justify-center">
          <Button busy={loadingMore} onClick={loadMore}>
            {loadingMore ? 'Loading…' : 'Load more'}
          </Button>
        </div>
      ) : null}
    </div>
  );
}

function Empty({ filters, onClear }: { filters: ListFilters; onClear: () => void }): ReactNode {
  return isFiltered(filters) ? (
    <EmptyPanel action={<Button onClick={onClear}>Clear filters</Button>}>
      No exports match.
    </EmptyPanel>
  ) : (
    <EmptyPanel>No exports yet. Choose a source and dates; the file appears here.</EmptyPanel>
  );
}

/** Says which files left the list because they were downloaded, until it is dismissed. */
function DownloadedNote({
  documents,
  onShow,
}: {
  documents: readonly ExportDocument[];
  onShow: () => void;
}): ReactNode {
  const [dismissed, setDismissed] = useState<ReadonlySet<string>>(new Set());
  const dismiss = (): void => setDismissed(new Set(documents.map(({ id }) => id)));
  const [first, ...others] = documents.filter(({ id }) => !dismissed.has(id));
  if (!first) return null;
  const subject = others.length === 0 ? exportName(first) : `${others.length + 1} exports`;
  return (
    <Note tone="success" onDismiss={dismiss}>
      <Icon name="check" className="text-success" />
      <span>{`${subject} downloaded.`}</span>
      <TextButton
        onClick={() => {
          dismiss();
          onShow();
        }}
      >
        Show downloaded
      </TextButton>
    </Note>
  );
}
