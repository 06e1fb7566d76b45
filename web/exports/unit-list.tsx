import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import type { ExportDocument, Manifest } from '../../lib/contracts/export-document.ts';
import { exactTime } from '../time/format.ts';
import { useZone } from '../time/zone.ts';
import { More } from '../ui/details.tsx';
import { FailedPanel } from '../ui/panels.tsx';
import { duration, exact, rowCount } from '../ui/quantity.ts';
import { manifestQuery } from './queries.ts';

/** Of which moments the rows of a resumable export are; nothing for other exports. */
export function Parts({ manifest }: { manifest: Manifest }): ReactNode {
  const zone = useZone();
  const parts = manifest.sources.flatMap(({ units = [] }) => units);
  const [first] = parts;
  if (!first) return null;
  if (parts.length === 1) return <p>{`Read in one part, as of ${exactTime(zone, first.asOf)}.`}</p>;
  const skew = manifest.skewSeconds < 1 ? 'less than a second' : duration(manifest.skewSeconds);
  return (
    <>
      <p>
        {`Read in ${exact(parts.length)} parts, ${skew} between the first moment and the last. `}
        <span className="text-muted">
          A row that was changed in between may be as before or as after it; one whose time or key
          was changed may be missing or there twice.
        </span>
      </p>
      <More title={`Parts (${exact(parts.length)})`}>
        <ol className="mt-2 space-y-2">
          {parts.map(({ rows, asOf, lsn }, index) => (
            <li key={index} className="flex flex-wrap gap-x-3">
              <span className="min-w-8 text-muted">{exact(index + 1)}</span>
              <span className="min-w-[108px]">{rowCount(rows)}</span>
              <time dateTime={asOf}>{exactTime(zone, asOf)}</time>
              <code className="font-mono text-xs leading-5 text-muted">{lsn}</code>
            </li>
          ))}
        </ol>
      </More>
    </>
  );
}

/** The same for an export whose manifest has still to be fetched. */
export default function PartsOf({ document }: { document: ExportDocument }): ReactNode {
  const { data, error, refetch } = useQuery(manifestQuery(document));
  if (data) return <Parts manifest={data} />;
  return error ? (
    <FailedPanel what="the parts" error={error} onRetry={() => void refetch()} />
  ) : (
    <p className="text-muted">Loading…</p>
  );
}
