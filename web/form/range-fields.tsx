import { lazy, type ReactNode, Suspense } from 'react';
import type { Dataset } from '../../lib/contracts/sources.ts';
import { dayAndClock, zoneNameAndOffset } from '../time/format.ts';
import { presets } from '../time/presets.ts';
import {
  dayIn,
  echoRange,
  noMoment,
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
  const read = readRange(range, zone);
  const echo = read.errors.length === 0 ? echoRange(read, zone) : null;
  const untouched = [range.from, range.to].every(({ date, time }) => date === '' && time === '');

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
          {echo ?? (untouched ? 'Without dates all rows are exported.' : null)}
        </p>
      </div>
      {(earliest !== null && latest !== null) || !untouched ? (
        <div role="group" aria-label="Ranges" className="flex flex-wrap gap-2">
          {(earliest !== null && latest !== null ? presets(earliest, latest, zone) : []).map(
            ({ label, range: preset }) => (
              <Button key={label} small className="px-2 text-xs" onClick={() => onChange(preset)}>
                {label}
              </Button>
            ),
          )}
          {untouched ? null : (
            <Button
              small
              variant="quiet"
              className="px-2 text-xs"
              onClick={() => onChange({ from: noMoment, to: noMoment })}
            >
              Clear
            </Button>
          )}
        </div>
      ) : null}
      {dataset ? (
        <div className="min-h-[60px]">
          <Suspense>
            <DataHistogram source={source} dataset={dataset.name} range={read} zone={zone} />
          </Suspense>
        </div>
      ) : null}
      {isOutside(read, earliest, latest) ? (
        <p className="text-sm text-warning">No rows are expected: the data is of other dates.</p>
      ) : null}
      {earliest !== null && latest !== null ? (
        <p className="text-xs text-muted">
          {`Data from ${dayAndClock(zone, earliest)} to ${dayAndClock(zone, latest)}.`}
        </p>
      ) : null}
    </fieldset>
  );
}

/** Whether the range ends before the data begins, or begins behind its end. */
function isOutside(
  { from, to }: ReadRange,
  earliest: string | null,
  latest: string | null,
): boolean {
  const endsBefore =
    to !== undefined && earliest !== null && Date.parse(to) <= Date.parse(earliest);
  const beginsBehind =
    from !== undefined && latest !== null && Date.parse(from) > Date.parse(latest);
  return endsBefore || beginsBehind;
}
