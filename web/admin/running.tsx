import { useInfiniteQuery } from '@tanstack/react-query';
import { type ReactNode, useState } from 'react';
import type { Running as RunningUnits } from '../../lib/contracts/admin.ts';
import { Button } from '../ui/button.tsx';
import { FailureNote } from '../ui/failure-note.tsx';
import { type Column, ListTable } from '../ui/list-table.tsx';
import { Modal, ModalActions } from '../ui/modal.tsx';
import { useNow } from '../ui/now.ts';
import { bytes, duration, formatApproximate, formatExact } from '../ui/quantity.ts';
import { useAction } from '../ui/use-action.ts';
import { cancelExport } from './calls.ts';
import { pagesQuery } from './queries.ts';
import { Loaded, refreshMs, SectionHead, Updated } from './section.tsx';

type Unit = RunningUnits['items'][number];

const path = '/admin/running';

const states: Record<Unit['state'], string> = {
  waiting: 'Waiting',
  dispatched: 'About to start',
  running: 'Running',
};

const nameOf = ({ dataset, format }: Unit): string => `${dataset}.${format}`;

/** The units that run and wait, each with a button that cancels its export. */
export function Running(): ReactNode {
  const [paused, setPaused] = useState(false);
  const [cancelling, setCancelling] = useState<Unit | null>(null);
  const list = useInfiniteQuery({
    ...pagesQuery<Unit>(path, new URLSearchParams()),
    refetchInterval: paused ? false : refreshMs,
  });
  const now = useNow(refreshMs);
  const columns = columnsOf(now, setCancelling);
  return (
    <div className="space-y-4">
      <SectionHead title="Running">
        <Updated at={list.dataUpdatedAt} paused={paused} onPause={setPaused} />
      </SectionHead>
      <Loaded
        what="what runs"
        query={list}
        empty={{
          when: ({ pages }) => pages.every(({ items }) => items.length === 0),
          text: 'Nothing runs and nothing waits.',
        }}
      >
        {({ pages }) => (
          <ListTable
            caption={`${formatExact(pages.flatMap(({ items }) => items).length)}${list.hasNextPage ? ' of more' : ''} units, running ones first`}
            columns={columns}
            rows={pages.flatMap(({ items }) => items)}
            keyOf={({ unitId }) => unitId}
          />
        )}
      </Loaded>
      {list.hasNextPage ? (
        <Button busy={list.isFetchingNextPage} onClick={() => void list.fetchNextPage()}>
          Load more
        </Button>
      ) : null}
      {cancelling ? <CancelDialog unit={cancelling} onClose={() => setCancelling(null)} /> : null}
    </div>
  );
}

function CancelDialog({ unit, onClose }: { unit: Unit; onClose: () => void }): ReactNode {
  const { start, busy, failure } = useAction(() => cancelExport(unit.exportId), {
    changes: [['admin', path]],
    done: () => {
      onClose();
      return `${nameOf(unit)} is being cancelled`;
    },
  });
  return (
    <Modal title={`Cancel ${nameOf(unit)}?`} onClose={onClose}>
      <p className="mt-2 mb-4 text-muted">
        {`The rows written so far are discarded. ${unit.owner} keeps the export, as cancelled.`}
      </p>
      <FailureNote failure={failure} />
      <ModalActions>
        <Button data-initial-focus onClick={onClose}>
          Keep running
        </Button>
        <Button variant="danger" busy={busy} onClick={() => start(undefined)}>
          Cancel export
        </Button>
      </ModalActions>
    </Modal>
  );
}

const columnsOf = (now: number, onCancel: (unit: Unit) => void): Column<Unit>[] => [
  {
    name: 'Export',
    cell: (unit) => (
      <>
        <span className="font-medium">{nameOf(unit)}</span>
        <code className="block font-mono text-xs text-muted">{unit.exportId}</code>
      </>
    ),
  },
  { name: 'Owner', cell: ({ owner }) => owner, sortBy: ({ owner }) => owner },
  { name: 'Source', cell: ({ source }) => source, sortBy: ({ source }) => source },
  {
    name: 'State',
    cell: ({ state, kind, slot, worker }) => (
      <>
        {kind === 'finalize' && state === 'running' ? 'Finishing the file' : states[state]}
        <span className="block text-xs text-muted">
          {[slot === null ? null : `slot ${slot}`, worker].filter(Boolean).join(', ')}
        </span>
      </>
    ),
  },
  {
    name: 'Done',
    numeric: true,
    cell: (unit) => (
      <>
        {`${formatExact(unit.rows)} rows`}
        <span className="block text-xs text-muted">{bytes(unit.bytes)}</span>
      </>
    ),
    sortBy: ({ rows }) => rows,
  },
  {
    name: 'Rate',
    numeric: true,
    cell: ({ rowsPerSecond, bytesPerSecond }) => (
      <>
        {rowsPerSecond === null ? '–' : `${formatApproximate(rowsPerSecond)} rows/s`}
        <span className="block text-xs text-muted">
          {bytesPerSecond === null ? '' : `${bytes(bytesPerSecond)}/s`}
        </span>
      </>
    ),
    sortBy: ({ rowsPerSecond }) => rowsPerSecond,
  },
  {
    name: 'For',
    numeric: true,
    cell: ({ startedAt, createdAt }) =>
      duration(Math.max(0, now - Date.parse(startedAt ?? createdAt)) / 1_000),
    sortBy: ({ startedAt, createdAt }) => startedAt ?? createdAt,
  },
  {
    name: 'Action',
    cell: (unit) => (
      <Button
        small
        aria-label={`Cancel ${nameOf(unit)} of ${unit.owner}`}
        onClick={() => onCancel(unit)}
      >
        Cancel
      </Button>
    ),
  },
];
