import {
  type CalendarDate,
  endOfMonth,
  getLocalTimeZone,
  parseDate,
  startOfMonth,
  today as todayIn,
} from '@internationalized/date';
import { type ReactNode, useState } from 'react';
import { Button } from 'react-aria-components/Button';
import { I18nProvider } from 'react-aria-components/I18nProvider';
import {
  CalendarCell,
  CalendarGrid,
  CalendarGridBody,
  CalendarGridHeader,
  CalendarHeaderCell,
  RangeCalendar,
} from 'react-aria-components/RangeCalendar';
import { format } from '../time/format.ts';
import { TextButton } from '../ui/button.tsx';
import { Select } from '../ui/field.tsx';
import { Icon } from '../ui/icons.tsx';

interface Props {
  /** First and last chosen day, `YYYY-MM-DD`; null if they are not a range. */
  chosen: { from: string; to: string } | null;
  /** The day whose month is on view; null: today. */
  monthOf: string | null;
  /** The first and the last day of the data, for the list of years. */
  years: { first: string | null; last: string | null };
  onChoose: (from: string, to: string) => void;
  onChooseMonth: (from: string, to: string) => void;
}

const monthButtonClass =
  'grid size-8 shrink-0 place-items-center rounded-control text-muted hover:bg-hover hover:text-text pointer-coarse:size-11 max-[359px]:hidden';

const monthNames = Array.from({ length: 12 }, (_, month) =>
  format('UTC', { month: 'long' }).format(new Date(Date.UTC(2024, month))),
);

/** Two presses choose a first and a last day. Arrows move by day, PageUp and PageDown by month, Enter chooses. */
export default function DateRangeCalendar(props: Props): ReactNode {
  const { chosen, monthOf, years, onChoose, onChooseMonth } = props;
  const today = todayIn(getLocalTimeZone());
  const [focused, setFocused] = useState<CalendarDate>(
    monthOf === null ? today : parseDate(monthOf),
  );
  const [previousMonthOf, setPreviousMonthOf] = useState(monthOf);
  if (monthOf !== previousMonthOf) {
    setPreviousMonthOf(monthOf);
    if (monthOf !== null) setFocused(parseDate(monthOf));
  }
  const yearChoices = yearsBetween(
    Math.min(yearOf(years.first) ?? today.year - 10, focused.year),
    Math.max(yearOf(years.last) ?? today.year, today.year, focused.year),
  );
  return (
    <I18nProvider locale="en-GB">
      <RangeCalendar
        aria-label="Days"
        value={
          chosen === null ? null : { start: parseDate(chosen.from), end: parseDate(chosen.to) }
        }
        focusedValue={focused}
        onFocusChange={setFocused}
        onChange={({ start, end }) => onChoose(start.toString(), end.toString())}
      >
        <header className="mb-2 flex items-center gap-1">
          <Button slot="previous" className={monthButtonClass}>
            <Icon name="left" />
          </Button>
          <Select
            aria-label="Month"
            className="min-w-0 flex-1"
            value={focused.month}
            onChange={({ target }) => setFocused(focused.set({ month: Number(target.value) }))}
          >
            {monthNames.map((name, index) => (
              <option key={name} value={index + 1}>
                {name}
              </option>
            ))}
          </Select>
          <Select
            aria-label="Year"
            className="w-[92px] shrink-0 pointer-coarse:w-[104px]"
            value={focused.year}
            onChange={({ target }) => setFocused(focused.set({ year: Number(target.value) }))}
          >
            {yearChoices.map((year) => (
              <option key={year} value={year}>
                {year}
              </option>
            ))}
          </Select>
          <Button slot="next" className={monthButtonClass}>
            <Icon name="right" />
          </Button>
        </header>
        <CalendarGrid weekdayStyle="short" className="w-full border-collapse">
          <CalendarGridHeader>
            {(weekday) => (
              <CalendarHeaderCell className="pb-1 text-xs font-normal text-muted">
                {weekday}
              </CalendarHeaderCell>
            )}
          </CalendarGridHeader>
          <CalendarGridBody>
            {(date) => (
              <CalendarCell
                date={date}
                className="grid h-8 min-w-8 cursor-pointer place-items-center rounded-control text-sm hover:bg-hover data-outside-month:hidden data-selected:bg-accent/16 data-selection-end:bg-accent data-selection-end:text-on-accent data-selection-start:bg-accent data-selection-start:text-on-accent data-today:font-semibold pointer-coarse:h-11"
              />
            )}
          </CalendarGridBody>
        </CalendarGrid>
      </RangeCalendar>
      <TextButton
        className="mt-1"
        onClick={() =>
          onChooseMonth(startOfMonth(focused).toString(), endOfMonth(focused).toString())
        }
      >
        {`All of ${monthNames[focused.month - 1]} ${focused.year}`}
      </TextButton>
    </I18nProvider>
  );
}

const yearOf = (day: string | null): number | null =>
  day === null ? null : Number(day.slice(0, 4));

const yearsBetween = (first: number, last: number): number[] =>
  Array.from({ length: last - first + 1 }, (_, index) => first + index);
