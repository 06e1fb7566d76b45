import { parseDate } from '@internationalized/date';
import type { ReactNode, RefObject } from 'react';
import { Button } from 'react-aria-components/Button';
import {
  Calendar,
  CalendarCell,
  CalendarGrid,
  CalendarGridBody,
  CalendarGridHeader,
  CalendarHeaderCell,
  Heading,
} from 'react-aria-components/Calendar';
import { Dialog } from 'react-aria-components/Dialog';
import { I18nProvider } from 'react-aria-components/I18nProvider';
import { Popover } from 'react-aria-components/Popover';
import { Icon } from '../ui/icons.tsx';

interface Props {
  label: string;
  trigger: RefObject<Element | null>;
  /** The day at which the calendar opens, `YYYY-MM-DD`; null: today. */
  day: string | null;
  chosen: string | null;
  onChoose: (day: string) => void;
  onClose: () => void;
}

const monthButtonClass =
  'grid size-8 place-items-center rounded-control text-muted hover:bg-hover hover:text-text pointer-coarse:size-11 data-disabled:invisible';

/** Arrows move by day, PageUp and PageDown by month, Enter chooses, Esc closes. */
export default function CalendarPopover(props: Props): ReactNode {
  const { label, trigger, day, chosen, onChoose, onClose } = props;
  return (
    <I18nProvider locale="en-GB">
      <Popover
        triggerRef={trigger}
        isOpen
        onOpenChange={(open) => {
          if (!open) onClose();
        }}
        placement="bottom end"
        offset={8}
        className="rounded-card bg-background p-3 shadow-overlay"
      >
        <Dialog aria-label={`Choose ${label}`} className="outline-none">
          <Calendar
            aria-label={label}
            autoFocus
            value={chosen === null ? null : parseDate(chosen)}
            {...(day !== null && { defaultFocusedValue: parseDate(day) })}
            onChange={(date) => onChoose(date.toString())}
          >
            <header className="mb-2 flex items-center justify-between">
              <Button slot="previous" className={monthButtonClass}>
                <Icon name="left" />
              </Button>
              <Heading className="text-sm font-semibold" />
              <Button slot="next" className={monthButtonClass}>
                <Icon name="right" />
              </Button>
            </header>
            <CalendarGrid weekdayStyle="short">
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
                    className="grid size-8 cursor-pointer place-items-center rounded-control text-sm hover:bg-hover data-outside-month:hidden data-selected:bg-accent data-selected:text-on-accent data-today:font-semibold pointer-coarse:size-11 max-[359px]:pointer-coarse:size-9"
                  />
                )}
              </CalendarGridBody>
            </CalendarGrid>
          </Calendar>
        </Dialog>
      </Popover>
    </I18nProvider>
  );
}
