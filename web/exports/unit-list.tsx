import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import type { ExportDocument, Manifest } from '../../lib/contracts/export-document.ts';
import { exactTime } from '../time/format.ts';
import { useZone } from '../time/zone.ts';
import { Disclosure } from '../ui/details.tsx';
import { FailedPanel } from '../ui/panels.tsx';
import { duration, formatExact, rowCount } from '../ui/quantity.ts';
import { manifestQuery } from './queries.ts';

/** The times at which the units of a resumable export were read; empty for other exports. */
export function Units({ manifest }: { manifest: Manifest }): ReactNode {
  const zone = useZone();
  const allUnits = manifest.sources.flatMap(({ units = [] }) => units);
  const [first] = allUnits;
  if (!first) return null;
  if (allUnits.length === 1)
    return <p>{`Read in one part, as of ${exactTime(zone, first.asOf)}.`}</p>;
  const skew = manifest.skewSeconds < 1 ? 'less than a second' : duration(manifest.skewSeconds);
  return (
    <>
      <p>
        {`Read in ${formatExact(allUnits.length)} parts, ${skew} between the first moment and the last. `}
        <span className="text-muted">
          A row that changed in between may have its old or its new values; a row whose time or key
          changed may be missing or appear twice.
        </span>
      </p>
      <Disclosure title={`Parts (${formatExact(allUnits.length)})`}>
        <ol className="mt-2 space-y-2">
          {allUnits.map(({ rows, asOf, lsn }, index) => (
            <li key={index} className="flex flex-wrap gap-x-3">
              <span className="min-w-8 text-muted">{formatExact(index + 1)}</span>
              <span className="min-w-[108px]">{rowCount(rows)}</span>
              <time dateTime={asOf}>{exactTime(zone, asOf)}</time>
              <code className="font-mono text-xs leading-5 text-muted">{lsn}</code>
            </li>
          ))}
        </ol>
      </Disclosure>
    </>
  );
}

/** Loads the manifest of an export and shows its units. */
export default function UnitsOf({ document }: { document: ExportDocument }): ReactNode {
  const { data, error, refetch } = useQuery(manifestQuery(document));
  if (data) return <Units manifest={data} />;
  return error ? (
    <FailedPanel what="the parts" error={error} onRetry={() => void refetch()} />
  ) : (
    <p className="text-muted">Loading…</p>
  );
}
