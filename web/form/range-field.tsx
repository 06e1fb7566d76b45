import { lazy, type ReactNode, Suspense, useRef, useState } from 'react';
import type { Dataset } from '../../lib/contracts/sources.ts';
import { zoneNameAndOffset } from '../time/format.ts';
import {
  describeRange,
  isWithoutBounds,
  rangeText,
  readRange,
  type TypedRange,
} from '../time/range.ts';
import { useZone } from '../time/zone.ts';
import { FieldError, labelClass } from '../ui/field.tsx';
import { Icon } from '../ui/icons.tsx';
import { useNow } from '../ui/now.ts';
import { Popover, type PopoverHandle } from '../ui/popover.tsx';
import type { FieldName } from './draft.ts';

const RangeEditor = lazy(() => import('./range-editor.tsx'));
const DataHistogram = lazy(() => import('./histogram.tsx'));

interface Props {
  source: string;
  dataset: Dataset | undefined;
  hasConditions: boolean;
  range: TypedRange;
  onChange: (range: TypedRange) => void;
  fieldId: (field: FieldName | 'range') => string;
  errorOf: (field: FieldName) => string | undefined;
}

/** The dates: a button that shows the range and opens its fields, the same in words, and a chart to choose on. */
export function RangeField(props: Props): ReactNode {
  const { source, dataset, hasConditions, range, onChange, fieldId, errorOf } = props;
  const zone = useZone();
  const now = useNow(60_000);
  const [open, setOpen] = useState(false);
  const popover = useRef<PopoverHandle>(null);
  if (dataset?.timeColumn === null)
    return (
      <p className="rounded-card bg-surface px-3 py-2 text-muted">
        This dataset has no time column; all its rows are exported.
      </p>
    );
  const id = fieldId('range');
  const { earliest = null, latest = null } = dataset ?? {};
  const read = readRange(range, zone);
  const isEmpty = isWithoutBounds(range);
  const echo =
    read.errors.length > 0
      ? ''
      : (describeRange(read, zone) ?? 'Without dates all rows are exported.');
  // While the fields are shown, they show their errors themselves.
  const error = open ? undefined : (errorOf('from') ?? errorOf('to') ?? read.errors[0]?.message);
  return (
    <div className="space-y-1">
      <span id={`${id}-label`} className={labelClass}>
        Dates
      </span>
      <button
        type="button"
        id={id}
        popoverTarget={`${id}-popover`}
        aria-haspopup="dialog"
        aria-expanded={open}
        aria-labelledby={`${id}-label ${id}`}
        aria-describedby={error === undefined ? `${id}-echo` : `${id}-error`}
        className={`input flex items-center gap-2 text-left ${error === undefined ? '' : 'border-danger'}`}
      >
        <Icon name="calendar" className="text-muted" />
        <span className={`min-w-0 flex-1 truncate ${isEmpty ? 'text-muted' : ''}`}>
          {rangeText(range)}
        </span>
        <Icon name="chevron" className="text-muted" />
      </button>
      <FieldError id={`${id}-error`} message={error} />
      <p id={`${id}-echo`} className="min-h-4 text-xs text-balance text-muted">
        {echo}
      </p>
      <Popover
        ref={popover}
        id={`${id}-popover`}
        label={`Dates in ${zoneNameAndOffset(zone, new Date(now))}`}
        onToggle={setOpen}
      >
        {() => (
          <Suspense>
            <RangeEditor
              popoverId={`${id}-popover`}
              range={range}
              read={read}
              span={{ earliest, latest }}
              zone={zone}
              now={now}
              echo={echo}
              onChange={onChange}
              onClose={() => popover.current?.close()}
              fieldId={fieldId}
              errorOf={errorOf}
            />
          </Suspense>
        )}
      </Popover>
      {dataset ? (
        <Suspense fallback={<div className="h-[72px]" />}>
          <DataHistogram
            key={`${source} ${dataset.name}`}
            source={source}
            dataset={dataset}
            hasConditions={hasConditions}
            range={read}
            isEmpty={isEmpty || read.errors.length > 0}
            zone={zone}
            onChange={onChange}
          />
        </Suspense>
      ) : null}
    </div>
  );
}
