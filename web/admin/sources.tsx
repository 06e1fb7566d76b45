import { useQuery } from '@tanstack/react-query';
import { type FormEvent, type ReactNode, useState } from 'react';
import type { AdminSources } from '../../lib/contracts/admin.ts';
import { sizes } from '../../lib/contracts/sizes.ts';
import { dayAndClock } from '../time/format.ts';
import { useZone } from '../time/zone.ts';
import { Button } from '../ui/button.tsx';
import { FailureNote } from '../ui/failure-note.tsx';
import { TextField } from '../ui/field.tsx';
import { Icon } from '../ui/icons.tsx';
import { type Column, ListTable } from '../ui/list-table.tsx';
import { Modal, ModalActions } from '../ui/modal.tsx';
import { duration } from '../ui/quantity.ts';
import { useAction } from '../ui/use-action.ts';
import { pauseSource, resumeSource } from './calls.ts';
import { sourcesQuery } from './queries.ts';
import { Loaded, Refresh, SectionHead } from './section.tsx';

type Source = AdminSources['items'][number];

/** The sources with health, lag and load. A paused one starts no further unit. */
export function Sources(): ReactNode {
  const zone = useZone();
  const list = useQuery(sourcesQuery);
  const [pausing, setPausing] = useState<string | null>(null);
  const resume = useAction(resumeSource, {
    changes: [sourcesQuery.queryKey],
    done: (_, name) => `Source ${name} resumed`,
  });
  const columns = columnsOf(zone, resume.busy, setPausing, resume.start);
  return (
    <div className="space-y-4">
      <SectionHead title="Sources">
        <Refresh busy={list.isFetching} onRefresh={() => void list.refetch()} />
      </SectionHead>
      <FailureNote failure={resume.failure} />
      <Loaded what="the sources" query={list}>
        {({ items }) => (
          <ListTable
            caption={`${items.length} sources, with the connections in use of those they permit`}
            columns={columns}
            rows={items}
            keyOf={({ name }) => name}
          />
        )}
      </Loaded>
      {pausing === null ? null : <PauseDialog name={pausing} onClose={() => setPausing(null)} />}
    </div>
  );
}

export function HealthWord({ health }: { health: 'ok' | 'down' }): ReactNode {
  return health === 'ok' ? (
    <span className="flex items-center gap-1.5 text-success">
      <Icon name="done" /> Answers
    </span>
  ) : (
    <span className="flex items-center gap-1.5 text-danger">
      <Icon name="warning" /> Does not answer
    </span>
  );
}

function Load({ label, used, max }: { label: string; used: number; max: number }): ReactNode {
  const part = max === 0 ? 0 : Math.min(1, used / max);
  return (
    <>
      {`${used} of ${max}`}
      <div
        role="meter"
        aria-label={label}
        aria-valuemin={0}
        aria-valuemax={max}
        aria-valuenow={Math.min(used, max)}
        aria-valuetext={`${used} of ${max}`}
        className="mt-1 h-1.5 overflow-hidden rounded-full bg-[color-mix(in_srgb,var(--color-accent)_18%,var(--color-background))]"
      >
        <div
          className={`h-full rounded-full ${part < 1 ? 'bg-accent' : 'bg-warning'}`}
          style={{ width: `${part * 100}%` }}
        />
      </div>
    </>
  );
}

function PauseDialog({ name, onClose }: { name: string; onClose: () => void }): ReactNode {
  const [reason, setReason] = useState('');
  const [isMissing, setIsMissing] = useState(false);
  const { start, busy, failure } = useAction(() => pauseSource(name, reason.trim()), {
    changes: [sourcesQuery.queryKey],
    done: () => {
      onClose();
      return `Source ${name} paused`;
    },
  });
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    const missing = reason.trim() === '';
    setIsMissing(missing);
    if (missing) document.getElementById('pause-reason')?.focus();
    else if (!busy) start(undefined);
  };
  return (
    <Modal title={`Pause ${name}?`} onClose={onClose}>
      <p className="mt-2 mb-4 text-muted">
        What is being read continues. Other exports of the source wait until it is resumed.
      </p>
      <form noValidate onSubmit={submit} className="space-y-4">
        <FailureNote failure={failure} />
        <TextField
          id="pause-reason"
          label="Reason"
          hint="The owners of waiting exports see it."
          error={isMissing ? 'Enter a reason.' : undefined}
          maxLength={sizes.errorCharacters}
          autoComplete="off"
          data-initial-focus
          value={reason}
          onChange={({ target }) => setReason(target.value)}
        />
        <ModalActions>
          <Button onClick={onClose}>Keep running</Button>
          <Button type="submit" variant="danger" busy={busy}>
            Pause source
          </Button>
        </ModalActions>
      </form>
    </Modal>
  );
}

const columnsOf = (
  zone: string,
  isResuming: boolean,
  onPause: (name: string) => void,
  onResume: (name: string) => void,
): Column<Source>[] => [
  { name: 'Source', cell: ({ name }) => <span className="font-medium">{name}</span> },
  {
    name: 'Health',
    cell: ({ health, error, pause }) => (
      <>
        <HealthWord health={health} />
        {error === null ? null : <span className="text-xs text-muted">{error}</span>}
        {pause === null ? null : (
          <p className="text-warning">
            {`Paused ${dayAndClock(zone, pause.at)} by ${pause.by}: ${pause.reason}`}
          </p>
        )}
      </>
    ),
  },
  {
    name: 'Lag',
    numeric: true,
    cell: ({ lag: { seconds, max } }) =>
      seconds === null
        ? '–'
        : `${seconds < 1 ? '0 s' : duration(seconds)}${max === null ? '' : ` of ${duration(max)}`}`,
  },
  {
    name: 'Units',
    numeric: true,
    cell: ({ load }) => `${load.running} running, ${load.waiting} waiting`,
  },
  {
    name: 'Export connections',
    numeric: true,
    cell: ({ name, load, budget }) => (
      <Load
        label={`Connections of exports to ${name}`}
        used={load.connections}
        max={budget.connections}
      />
    ),
  },
  {
    name: 'Question connections',
    numeric: true,
    cell: ({ name, load, budget }) => (
      <Load
        label={`Connections for metadata, estimates and previews to ${name}`}
        used={load.questionConnections}
        max={budget.questionConnections}
      />
    ),
  },
  {
    name: 'Action',
    cell: ({ name, pause }) =>
      pause === null ? (
        <Button small aria-label={`Pause ${name}`} onClick={() => onPause(name)}>
          Pause
        </Button>
      ) : (
        <Button
          small
          aria-label={`Resume ${name}`}
          busy={isResuming}
          onClick={() => onResume(name)}
        >
          Resume
        </Button>
      ),
  },
];
