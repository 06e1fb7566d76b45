import { type ReactNode, useId, useState } from 'react';
import { sizes } from '../../lib/contracts/sizes.ts';
import { readRange } from '../time/range.ts';
import { useZone } from '../time/zone.ts';
import { Button } from '../ui/button.tsx';
import { SelectField, TextField } from '../ui/field.tsx';
import { useWide } from '../ui/media.ts';

/** The filters of a list. On a narrow page a button with the number of the set ones shows them. */
export function Filters({ set, children }: { set: number; children: ReactNode }): ReactNode {
  const wide = useWide();
  const [open, setOpen] = useState(false);
  const id = useId();
  return (
    <search aria-label="Filters">
      {wide ? null : (
        <Button aria-expanded={open} aria-controls={id} onClick={() => setOpen(!open)}>
          {`Filters (${set})`}
        </Button>
      )}
      <div
        id={id}
        hidden={!wide && !open}
        className="mt-3 grid grid-cols-2 items-start gap-3 md:grid-cols-3 lg:mt-0 xl:grid-cols-4"
      >
        {children}
      </div>
    </search>
  );
}

/** A filter by a name. It applies with Enter, and when the field loses the focus. */
export function TextFilter({
  label,
  value,
  onChange,
  error,
  placeholder,
}: {
  label: string;
  value: string;
  onChange: (value: string) => void;
  error?: string | undefined;
  placeholder?: string;
}): ReactNode {
  const id = useId();
  const [typed, setTyped] = useState(value);
  const [applied, setApplied] = useState(value);
  // "Clear filters" changes the address.
  if (applied !== value) {
    setApplied(value);
    setTyped(value);
  }
  const apply = (): void => {
    if (typed.trim() !== value) onChange(typed.trim());
  };
  return (
    <TextField
      id={id}
      label={label}
      error={error}
      {...(placeholder !== undefined && { placeholder })}
      maxLength={sizes.nameCharacters}
      autoComplete="off"
      spellCheck={false}
      value={typed}
      onChange={({ target }) => setTyped(target.value)}
      onBlur={apply}
      onKeyDown={({ key }) => {
        if (key === 'Enter') apply();
      }}
    />
  );
}

export function ChoiceFilter({
  label,
  all,
  labels,
  value,
  onChange,
}: {
  label: string;
  /** The text of no choice. */
  all: string;
  labels: Record<string, string>;
  value: string;
  onChange: (value: string) => void;
}): ReactNode {
  const id = useId();
  return (
    <SelectField
      id={id}
      label={label}
      value={value}
      onChange={({ target }) => onChange(target.value)}
    >
      <option value="">{all}</option>
      {Object.entries(labels).map(([choice, text]) => (
        <option key={choice} value={choice}>
          {text}
        </option>
      ))}
    </SelectField>
  );
}

interface Days {
  from: string;
  to: string;
}

/** Returns the instants of typed days in the zone of the page; a day that cannot be read is no bound. */
export function useDays(typed: Days): {
  from: string | undefined;
  to: string | undefined;
  errorOf: (field: 'from' | 'to') => string | undefined;
} {
  const range = readRange(
    { from: { date: typed.from, time: '' }, to: { date: typed.to, time: '' } },
    useZone(),
  );
  return {
    from: range.from,
    to: range.to,
    errorOf: (field) => range.errors.find((error) => error.field === field)?.message,
  };
}

export function DayFilters({
  days,
  errorOf,
  onChange,
}: {
  days: Days;
  errorOf: (field: 'from' | 'to') => string | undefined;
  onChange: (change: Partial<Days>) => void;
}): ReactNode {
  return (
    <>
      {(['from', 'to'] as const).map((field) => (
        <TextFilter
          key={field}
          label={field === 'from' ? 'From' : 'To'}
          placeholder="YYYY-MM-DD"
          value={days[field]}
          error={errorOf(field)}
          onChange={(value) => onChange({ [field]: value })}
        />
      ))}
    </>
  );
}
