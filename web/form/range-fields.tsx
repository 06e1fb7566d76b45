import { lazy, type ReactNode, Suspense } from 'react';
import type { Dataset } from '../../lib/contracts/sources.ts';
import { dayAndClock, zoneNameAndOffset } from '../time/format.ts';
import { presets } from '../time/presets.ts';
import {
  dayIn,
  describeRange,
  noDateTime,
  type ReadRange,
  readRange,
  type TypedRange,
} from '../time/range.ts';
import { useZone } from '../time/zone.ts';
import { Button } from '../ui/button.tsx';
import { useNow } from '../ui/now.ts';
import { DateField } from './date-field.tsx';
import type { FieldName } from './draft.ts';

const DataHistogram = lazy(() => import('./histogram.tsx'));

interface Props {
  source: string;
  dataset: Dataset | undefined;
  range: TypedRange;
  onChange: (range: TypedRange) => void;
  fieldId: (field: FieldName) => string;
  errorOf: (field: FieldName) => string | undefined;
}

export function RangeFields(props: Props): ReactNode {
  const { source, dataset, range, onChange, fieldId, errorOf } = props;
  const zone = useZone();
  const now = useNow(60_000);
  if (dataset?.timeColumn === null)
    return (
      <p className="rounded-card bg-surface px-4 py-3 text-muted">
        This dataset has no time column; all its rows are exported.
      </p>
    );
  const { earliest = null, latest = null } = dataset ?? {};
  const parsed = readRange(range, zone);
  const echo = parsed.errors.length === 0 ? describeRange(parsed, zone) : null;
  const isEmpty = [range.from, range.to].every(({ date, time }) => date === '' && time === '');
  const outside = outsideText(parsed, { earliest, latest }, zone);

  return (
    <fieldset className="space-y-3">
      <legend className="sr-only">{`Dates in ${zoneNameAndOffset(zone, new Date(now))}`}</legend>
      <div className="space-y-3">
        <DateField
          id={fieldId('from')}
          label="From"
          value={range.from}
          suggested={earliest === null ? undefined : dayIn(earliest, zone)}
          error={errorOf('from')}
          onChange={(from) => onChange({ ...range, from })}
        />
        <DateField
          id={fieldId('to')}
          label="To"
          value={range.to}
          suggested={latest === null ? undefined : dayIn(latest, zone)}
          error={errorOf('to')}
          onChange={(to) => onChange({ ...range, to })}
        />
        <p className="text-sm text-balance">
          {echo ?? (isEmpty ? 'Without dates all rows are exported.' : null)}
        </p>
      </div>
      {(earliest !== null && latest !== null) || !isEmpty ? (
        <div role="group" aria-label="Ranges" className="flex flex-wrap gap-2">
          {(earliest !== null && latest !== null ? presets(earliest, latest, zone) : []).map(
            ({ label, range: preset }) => (
              <Button key={label} small className="px-2 text-xs" onClick={() => onChange(preset)}>
                {label}
              </Button>
            ),
          )}
          {isEmpty ? null : (
            <Button
              small
              variant="quiet"
              className="px-2 text-xs"
              onClick={() => onChange({ from: noDateTime, to: noDateTime })}
            >
              Clear
            </Button>
          )}
        </div>
      ) : null}
      {dataset ? (
        <div className="min-h-[60px]">
          <Suspense>
            <DataHistogram source={source} dataset={dataset.name} range={parsed} zone={zone} />
          </Suspense>
        </div>
      ) : null}
      {outside === null ? null : (
        <p className="text-sm text-warning">{`No rows expected: ${outside}.`}</p>
      )}
      {earliest !== null && latest !== null ? (
        <p className="text-xs text-muted">
          {`Data from ${dayAndClock(zone, earliest, latest)} to ${dayAndClock(zone, latest, earliest)}.`}
        </p>
      ) : null}
    </fieldset>
  );
}

/** Returns where the data starts or ends if the range has none of it, else null. */
function outsideText(
  { from, to }: ReadRange,
  { earliest, latest }: { earliest: string | null; latest: string | null },
  zone: string,
): string | null {
  if (to !== undefined && earliest !== null && Date.parse(to) <= Date.parse(earliest))
    return `the data starts ${dayAndClock(zone, earliest, to)}`;
  if (from !== undefined && latest !== null && Date.parse(from) > Date.parse(latest))
    return `the data ends ${dayAndClock(zone, latest, from)}`;
  return null;
}
