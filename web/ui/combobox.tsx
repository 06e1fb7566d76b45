import { type ReactNode, useContext, useEffect, useMemo, useState } from 'react';
import { Button } from 'react-aria-components/Button';
import {
  ComboBox as AriaComboBox,
  ComboBoxStateContext,
  Input,
  type InputProps,
  Label,
} from 'react-aria-components/ComboBox';
import { I18nProvider } from 'react-aria-components/I18nProvider';
import { ListBox, ListBoxItem } from 'react-aria-components/ListBox';
import { Popover } from 'react-aria-components/Popover';
import { sizes } from '../../lib/contracts/sizes.ts';
import { described, FieldError, FieldWarning, labelClass } from './field.tsx';
import { Icon } from './icons.tsx';
import { exact } from './quantity.ts';

export interface Option {
  id: string;
  name: string;
  /** Said after the name, in the list only. */
  detail?: string;
  /** Further words that find it. */
  keywords?: string;
  disabled?: boolean;
}

interface Props {
  id: string;
  label: string;
  /** The label is for screen readers only; the place says what it is. */
  labelHidden?: boolean;
  options: readonly Option[];
  value: string;
  onChange: (id: string) => void;
  onOpen?: () => void;
  placeholder?: string;
  error?: string | undefined;
  /** Stands below the field, to be read before going on. */
  warning?: string | undefined;
  empty: string;
}

/**
 * A combobox with a list, automatic selection (APG): a press or Down opens it, what is typed replaces what was chosen,
 * Enter and Tab take the entry that stands out, which is the first that fits; Esc closes. A name typed out in full
 * counts as chosen at once.
 */
export default function ComboBox(props: Props): ReactNode {
  const { id, label, options, value, onChange, onOpen, placeholder, error, warning, empty } = props;

  const [typed, setTyped] = useState('');
  const { shown, left } = useMemo(() => byFit(options, typed, value), [options, typed, value]);

  const byName = useMemo(() => new Map(shown.map((option) => [option.name, option])), [shown]);
  const matches = (name: string, text: string): boolean => {
    const option = byName.get(name);
    return option !== undefined && fit(option, text) < noFit;
  };

  const chooseWhole = (text: string): void => {
    const whole = options.find(({ name, disabled }) => !disabled && plain(name) === plain(text));
    if (whole && whole.id !== value) onChange(whole.id);
  };

  return (
    <I18nProvider locale="en-GB">
      <AriaComboBox
        id={id}
        className="group space-y-1"
        defaultItems={shown}
        defaultFilter={matches}
        selectedKey={value === '' ? null : value}
        allowsEmptyCollection
        isInvalid={error !== undefined}
        onOpenChange={(isOpen) => {
          if (isOpen) onOpen?.();
          else setTyped('');
        }}
        onInputChange={(text) => {
          setTyped(text);
          chooseWhole(text);
        }}
        onSelectionChange={(key) => {
          if (key !== null && key !== value) onChange(String(key));
        }}
      >
        <Label className={props.labelHidden ? 'sr-only' : labelClass}>{label}</Label>
        <div className="relative">
          <Field
            id={id}
            className="input pr-10 text-ellipsis"
            maxLength={sizes.nameCharacters}
            placeholder={placeholder ?? ''}
            spellCheck={false}
            isTyped={typed !== ''}
            onTake={(text) => {
              const [first] = shown.filter(
                (option) => !option.disabled && fit(option, text) < noFit,
              );
              if (first && first.id !== value) onChange(first.id);
            }}
            {...described(id, error, warning)}
          />
          <Button className="absolute inset-y-0 right-0 grid w-9 place-items-center rounded-control text-muted hover:text-text pointer-coarse:w-11">
            <Icon name="chevron" />
          </Button>
        </div>
        <FieldError id={`${id}-error`} message={error} />
        <FieldWarning id={`${id}-hint`} message={warning} />
        <Popover
          offset={4}
          className="flex w-(--trigger-width) min-w-[240px] flex-col rounded-card bg-background shadow-overlay"
        >
          <ListBox
            className="flex-1 overflow-y-auto p-1 outline-none"
            renderEmptyState={() => <p className="px-3 py-2 text-muted">{empty}</p>}
          >
            {(option: Option) => (
              <ListBoxItem
                id={option.id}
                textValue={option.name}
                isDisabled={option.disabled ?? false}
                className="control-small flex cursor-pointer items-center gap-2 rounded-control px-2 py-1 text-sm data-disabled:cursor-default data-disabled:text-muted data-focused:bg-hover data-selected:font-medium"
              >
                {({ isSelected }) => (
                  <>
                    <span className="min-w-0 flex-1 wrap-anywhere">{option.name}</span>
                    {option.detail ? (
                      <span className="text-xs font-normal text-muted">{option.detail}</span>
                    ) : null}
                    <Icon name="check" className={isSelected ? 'text-accent' : 'invisible'} />
                  </>
                )}
              </ListBoxItem>
            )}
          </ListBox>
          {left > 0 ? (
            <p className="border-t border-line px-3 py-2 text-xs text-muted">
              {`${exact(left)} more: type a part of the name.`}
            </p>
          ) : null}
        </Popover>
      </AriaComboBox>
    </I18nProvider>
  );
}

interface FieldProps extends InputProps {
  isTyped: boolean;
  /** Enter or Tab came before anything stood out. */
  onTake: (text: string) => void;
}

/** The field itself: pressed, it opens and is ready to be typed over; while typed in, the first that fits stands out. */
function Field({ isTyped, onTake, ...input }: FieldProps): ReactNode {
  const state = useContext(ComboBoxStateContext);
  // After every drawing: what is typed takes the mark away again.
  useEffect(() => {
    if (!state?.isOpen || !isTyped || state.selectionManager.focusedKey !== null) return;
    const { collection, selectionManager } = state;
    const first = [...collection.getKeys()].find((key) => !selectionManager.isDisabled(key));
    if (first !== undefined) selectionManager.setFocusedKey(first);
  });
  return (
    <Input
      {...input}
      onKeyDownCapture={(event) => {
        const takes = event.key === 'Enter' || event.key === 'Tab';
        if (!takes || !isTyped || state?.selectionManager.focusedKey != null) return;
        onTake(event.currentTarget.value);
        // What was typed in the field is no order to send the form.
        if (event.key === 'Enter') event.preventDefault();
      }}
      onClick={({ currentTarget }) => {
        if (!state || state.isOpen) return;
        // As browsers do it for who comes by Tab.
        currentTarget.select();
        state.open(null, 'manual');
      }}
    />
  );
}

const plain = (text: string): string => text.trim().toLowerCase();

const noFit = 4;

/** How well an option fits what is typed, 0 best: the name begins with it, a word of the name, of the keywords; it is in them. */
function fit({ name, keywords = '' }: Option, typed: string): number {
  const [wanted, of, more] = [plain(typed), plain(name), plain(keywords)];
  const beginsWord = (text: string): boolean =>
    text.split(/[^\p{L}\p{N}]+/u).some((word) => word.startsWith(wanted));
  if (of.startsWith(wanted)) return 0;
  if (beginsWord(of)) return 1;
  if (beginsWord(more)) return 2;
  return of.includes(wanted) || more.includes(wanted) ? 3 : noFit;
}

/** More take a browser longer to draw than anybody looks for. */
const mostShown = 200;

/** The options in their order; those that fit what is typed, the best first. Of very many the first, and the chosen one. */
function byFit(
  options: readonly Option[],
  typed: string,
  chosen: string,
): { shown: Option[]; left: number } {
  const places = options.map((option) => ({
    option,
    place: plain(typed) ? fit(option, typed) : 0,
  }));
  const fitting = places.filter(({ place }) => place < noFit).toSorted((a, b) => a.place - b.place);
  const first = fitting.slice(0, mostShown).map(({ option }) => option);
  const current = options.filter(({ id }) => id === chosen && !first.some((it) => it.id === id));
  return { shown: [...first, ...current], left: fitting.length - first.length };
}
