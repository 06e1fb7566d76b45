import type { ReactNode } from 'react';
import type { Me } from '../../lib/contracts/accounts.ts';
import { clock } from '../time/format.ts';
import { useZone } from '../time/zone.ts';
import { Entry } from '../ui/details.tsx';
import { bytes, formatRowsOfTotal, rowCount } from '../ui/quantity.ts';
import { Section } from './section.tsx';

/** What the account has used of its quotas, and the limits of each export. */
export function Quotas({ me: { limits, usage } }: { me: Me }): ReactNode {
  const zone = useZone();
  const resets = `resets ${clock(zone, usage.resetsAt)}`;
  const { rowsPerDay, bytesPerDay, runningExports } = usage.quotas;
  return (
    <Section id="quotas" title="Limits">
      <div className="grid gap-4 sm:grid-cols-3">
        <Quota
          name="Rows today"
          used={usage.rowsToday}
          max={rowsPerDay}
          text={`${rowsPerDay === null ? rowCount(usage.rowsToday) : formatRowsOfTotal(usage.rowsToday, rowsPerDay, 'of')} today, ${resets}`}
        />
        <Quota
          name="Bytes today"
          used={usage.bytesToday}
          max={bytesPerDay}
          text={`${bytesPerDay === null ? bytes(usage.bytesToday) : `${bytes(usage.bytesToday)} of ${bytes(bytesPerDay)}`} today, ${resets}`}
        />
        <Quota
          name="Queued and running exports"
          used={usage.runningExports}
          max={runningExports}
          text={
            runningExports === null
              ? `${usage.runningExports} now`
              : `${usage.runningExports} of ${runningExports} at a time`
          }
        />
      </div>
      <dl className="grid gap-x-6 gap-y-2 sm:grid-cols-[200px_1fr]">
        <Entry term="Rows of one export">
          {limits.maxRows === null ? 'No limit' : `At most ${rowCount(limits.maxRows)}`}
        </Entry>
        <Entry term="Size of one file">
          {limits.maxBytes === null ? 'No limit' : `At most ${bytes(limits.maxBytes)}`}
        </Entry>
      </dl>
    </Section>
  );
}

function Quota({
  name,
  used,
  max,
  text,
}: {
  name: string;
  used: number;
  max: number | null;
  text: string;
}): ReactNode {
  const part = max === null ? 0 : Math.min(1, used / max);
  return (
    <div className="rounded-card border border-line p-4">
      <p className="text-xs font-medium text-muted">{name}</p>
      {max === null ? null : (
        <div
          role="meter"
          aria-label={name}
          aria-valuemin={0}
          aria-valuemax={max}
          aria-valuenow={Math.min(used, max)}
          aria-valuetext={text}
          className="my-2 h-2 overflow-hidden rounded-full bg-[color-mix(in_srgb,var(--color-accent)_18%,var(--color-background))]"
        >
          <div
            className={`h-full rounded-full ${part < 0.9 ? 'bg-accent' : 'bg-danger'}`}
            style={{ width: `${part * 100}%` }}
          />
        </div>
      )}
      <p>{text}</p>
      {max === null ? <p className="text-xs text-muted">No limit.</p> : null}
    </div>
  );
}
