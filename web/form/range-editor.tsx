import { lazy, type ReactNode, Suspense, useEffect, useRef, useState } from 'react';
import { sizes } from '../../lib/contracts/sizes.ts';
import { type DataSpan, presets } from '../time/presets.ts';
import {
  dayIn,
  isWithoutBounds,
  noDateTime,
  parseDay,
  type ReadRange,
  type TypedDateTime,
  type TypedRange,
} from '../time/range.ts';
import { Button } from '../ui/button.tsx';
import { describedBy, FieldError, labelClass } from '../ui/field.tsx';
import { usePopoverPlacement } from '../ui/popover-placement.ts';
import type { FieldName } from './draft.ts';

const DateRangeCalendar = lazy(() => import('./range-calendar.tsx'));

interface Props {
  popoverId: string;
  range: TypedRange;
  read: ReadRange;
  span: DataSpan;
  zone: string;
  now: number;
  echo: string;
  onChange: (range: TypedRange) => void;
  onClose: () => void;
  fieldId: (field: FieldName) => string;
  errorOf: (field: FieldName) => string | undefined;
}

type End = 'from' | 'to';

const labels: Record<End, string> = { from: 'From', to: 'To' };

/** What the popover of the dates contains: two typed ends, ranges with a button, and a calendar. */
export default function RangeEditor(props: Props): ReactNode {
  const { popoverId, range, read, span, zone, now, echo, onChange, onClose, fieldId, errorOf } =
    props;
  // An error is shown when its field is left, not while it is typed.
  const [left, setLeft] = useState<Record<End, boolean>>({ from: false, to: false });
  const first = useRef<HTMLInputElement>(null);
  usePopoverPlacement(popoverId);
  useEffect(() => {
    // Under a finger the focus would open the keyboard.
    if (!matchMedia('(pointer: coarse)').matches) first.current?.focus();
  }, []);
  const [firstDay, lastDay] = [range.from.date, range.to.date].map(parseDay);
  const [earliest, latest] = [span.earliest, span.latest].map((instant) =>
    instant === null ? null : dayIn(instant, zone),
  );
  const typedErrors = new Map(read.errors.map(({ field, message }) => [field, message]));
  const close = (): void => {
    setLeft({ from: true, to: true });
    if (read.errors.length === 0) onClose();
  };
  const choose = (preset: TypedRange): void => {
    onChange(preset);
    onClose();
  };
  return (
    <div className="w-[480px] max-w-full space-y-4">
      <div className="grid gap-3 sm:grid-cols-2">
        {(['from', 'to'] as const).map((end) => (
          <DateField
            key={end}
            ref={end === 'from' ? first : null}
            id={fieldId(end)}
            label={labels[end]}
            value={range[end]}
            error={errorOf(end) ?? (left[end] ? typedErrors.get(end) : undefined)}
            onChange={(value) => onChange({ ...range, [end]: value })}
            onLeave={() => setLeft((before) => ({ ...before, [end]: true }))}
            onEnter={close}
          />
        ))}
      </div>
      <div className="flex flex-col gap-4 sm:flex-row">
        <div
          role="group"
          aria-label="Ranges"
          className="-ml-3 flex flex-wrap content-start gap-x-1 sm:w-44 sm:flex-col"
        >
          {presets(span, zone, now).map(({ label, range: preset }) => (
            <Button
              key={label}
              small
              variant="quiet"
              className="justify-start font-normal"
              onClick={() => choose(preset)}
            >
              {label}
            </Button>
          ))}
          {isWithoutBounds(range) ? null : (
            <Button
              small
              variant="quiet"
              className="justify-start font-normal"
              onClick={() => choose({ from: noDateTime, to: noDateTime })}
            >
              Clear
            </Button>
          )}
        </div>
        <div className="min-h-[328px] min-w-0 flex-1">
          <Suspense>
            <DateRangeCalendar
              chosen={
                firstDay && lastDay && firstDay <= lastDay ? { from: firstDay, to: lastDay } : null
              }
              monthOf={lastDay ?? firstDay ?? latest ?? null}
              years={{ first: earliest ?? null, last: latest ?? null }}
              onChooseMonth={(from, to) =>
                choose({
                  from: { ...noDateTime, date: from },
                  to: { ...noDateTime, date: to },
                })
              }
              onChoose={(from, to) =>
                onChange({
                  from: { ...range.from, date: from },
                  to: { ...range.to, date: to },
                })
              }
            />
          </Suspense>
        </div>
      </div>
      <div className="flex items-end justify-between gap-4 border-t border-line pt-3">
        <p className="min-w-0 text-xs text-balance text-muted">{echo}</p>
        <Button small variant="primary" onClick={close}>
          Done
        </Button>
      </div>
    </div>
  );
}

interface DateFieldProps {
  ref: React.Ref<HTMLInputElement>;
  id: string;
  label: string;
  value: TypedDateTime;
  error: string | undefined;
  onChange: (value: TypedDateTime) => void;
  onLeave: () => void;
  onEnter: () => void;
}

/** A typed day and an optional time. */
function DateField(props: DateFieldProps): ReactNode {
  const { ref, id, label, value, error, onChange, onLeave, onEnter } = props;
  const onKeyDown = (event: React.KeyboardEvent): void => {
    if (event.key !== 'Enter') return;
    // It must not send the form.
    event.preventDefault();
    onEnter();
  };
  return (
    <div className="space-y-1">
      <label htmlFor={id} className={labelClass}>
        {label}
      </label>
      <div className="flex gap-2">
        <input
          ref={ref}
          id={id}
          className="input flex-1"
          maxLength={sizes.instantCharacters}
          placeholder="YYYY-MM-DD"
          autoComplete="off"
          value={value.date}
          onChange={(event) => onChange({ ...value, date: event.target.value })}
          onKeyDown={onKeyDown}
          onBlur={() => {
            const day = parseDay(value.date);
            if (day !== null && day !== value.date) onChange({ ...value, date: day });
            if (value.date.trim() !== '') onLeave();
          }}
          {...describedBy(id, error, undefined)}
        />
        <input
          aria-label={`${label} time, optional`}
          className="input w-[76px] flex-none pointer-coarse:w-[92px]"
          maxLength={sizes.instantCharacters}
          placeholder="HH:MM"
          autoComplete="off"
          value={value.time}
          onChange={(event) => onChange({ ...value, time: event.target.value })}
          onKeyDown={onKeyDown}
          onBlur={() => {
            if (value.time.trim() !== '') onLeave();
          }}
        />
      </div>
      <FieldError id={`${id}-error`} message={error} />
    </div>
  );
}
