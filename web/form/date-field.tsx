import { lazy, type ReactNode, Suspense, useRef, useState } from 'react';
import { sizes } from '../../lib/contracts/sizes.ts';
import { parseDay, type TypedDateTime } from '../time/range.ts';
import { Button } from '../ui/button.tsx';
import { describedBy, FieldError, labelClass } from '../ui/field.tsx';
import { Icon } from '../ui/icons.tsx';
import type { FieldProps } from './field-props.ts';

const CalendarPopover = lazy(() => import('./calendar-popover.tsx'));

interface Props extends FieldProps<TypedDateTime> {
  label: string;
  /** The day at which the calendar opens while no day is typed, `YYYY-MM-DD`. */
  suggested: string | undefined;
}

/** A day, typed or picked, and an optional time. */
export function DateField({ id, label, value, onChange, suggested, error }: Props): ReactNode {
  const [open, setOpen] = useState(false);
  const button = useRef<HTMLButtonElement>(null);
  const day = parseDay(value.date);
  return (
    <div className="space-y-1">
      <label htmlFor={id} className={labelClass}>
        {label}
      </label>
      <div className="flex gap-2">
        <div className="relative min-w-0 flex-1">
          <input
            id={id}
            className="input pr-10"
            maxLength={sizes.instantCharacters}
            placeholder="YYYY-MM-DD"
            autoComplete="off"
            value={value.date}
            onChange={(event) => onChange({ ...value, date: event.target.value })}
            onBlur={() => {
              if (day !== null && day !== value.date) onChange({ ...value, date: day });
            }}
            {...describedBy(id, error, undefined)}
          />
          <Button
            ref={button}
            variant="quiet"
            aria-label={`Choose ${label} in a calendar`}
            aria-haspopup="dialog"
            aria-expanded={open}
            className="absolute inset-y-0 right-0 w-9 px-0 text-muted hover:bg-transparent pointer-coarse:w-11"
            onClick={() => setOpen(true)}
          >
            <Icon name="calendar" />
          </Button>
        </div>
        <input
          aria-label={`${label} time, optional`}
          className="input w-[88px] flex-none"
          maxLength={sizes.instantCharacters}
          placeholder="HH:MM"
          autoComplete="off"
          value={value.time}
          onChange={(event) => onChange({ ...value, time: event.target.value })}
        />
      </div>
      <FieldError id={`${id}-error`} message={error} />
      {open ? (
        <Suspense>
          <CalendarPopover
            label={label}
            trigger={button}
            day={day ?? parseDay(suggested ?? '')}
            chosen={day}
            onChoose={(date) => {
              onChange({ ...value, date });
              setOpen(false);
            }}
            onClose={() => setOpen(false)}
          />
        </Suspense>
      ) : null}
    </div>
  );
}
