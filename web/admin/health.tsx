import { useQuery } from '@tanstack/react-query';
import { type ReactNode, useState } from 'react';
import type { Health } from '../../lib/contracts/health.ts';
import { getHealth } from '../api/calls.ts';
import { Icon } from '../ui/icons.tsx';
import { type Column, ListTable } from '../ui/list-table.tsx';
import { Note } from '../ui/panels.tsx';
import { Loaded, refreshMs, SectionHead, Updated } from './section.tsx';
import { HealthWord } from './sources.tsx';

/** The parts of StreamSync and the problems with which it still answers. */
export function HealthSection(): ReactNode {
  const [paused, setPaused] = useState(false);
  const query = useQuery({
    queryKey: ['health'],
    queryFn: ({ signal }) => getHealth(signal),
    refetchInterval: paused ? false : refreshMs,
  });
  return (
    <div className="space-y-4">
      <SectionHead title="Health">
        <Updated at={query.dataUpdatedAt} paused={paused} onPause={setPaused} />
      </SectionHead>
      <Loaded what="the health" query={query}>
        {({ status, parts, problems = [] }) => (
          <>
            {status === 'ok' ? (
              <Note tone="success">
                <Icon name="done" className="text-success" />
                Everything works.
              </Note>
            ) : (
              <ul className="space-y-2">
                {problems.map(({ code, message }) => (
                  <li key={code}>
                    <Note tone="warning">
                      <Icon name="warning" className="text-warning" />
                      {message} <code className="font-mono text-xs text-muted">{code}</code>
                    </Note>
                  </li>
                ))}
              </ul>
            )}
            <ListTable
              caption="Parts of StreamSync"
              columns={columns}
              rows={Object.entries(parts)}
              keyOf={([name]) => name}
            />
          </>
        )}
      </Loaded>
    </div>
  );
}

const columns: Column<[string, Health['parts'][string]]>[] = [
  { name: 'Part', cell: ([name]) => name },
  { name: 'State', cell: ([, part]) => <HealthWord health={part.status} /> },
];
