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
import { describedBy, FieldError, FieldWarning, labelClass } from './field.tsx';
import { Icon } from './icons.tsx';
import { formatExact } from './quantity.ts';

export interface Option {
  id: string;
  name: string;
  /** Shown after the name, in the list only. */
  detail?: string;
  /** More words that the search finds. */
  keywords?: string;
  disabled?: boolean;
}

interface Props {
  id: string;
  label: string;
  /** Shows the label to screen readers only. */
  labelHidden?: boolean;
  options: readonly Option[];
  value: string;
  onChange: (id: string) => void;
  onOpen?: () => void;
  placeholder?: string;
  error?: string | undefined;
  /** Shown below the field. */
  warning?: string | undefined;
  empty: string;
}

/**
 * A combobox with a list and automatic selection (APG). A press or Down opens it, and typing replaces the chosen name.
 * Enter and Tab choose the highlighted option, which is the first match; Esc closes. A name that is typed in full is
 * chosen at once.
 */
export default function ComboBox(props: Props): ReactNode {
  const { id, label, options, value, onChange, onOpen, placeholder, error, warning, empty } = props;

  const [typed, setTyped] = useState('');
  const { visible, hiddenCount } = useMemo(
    () => rankOptions(options, typed, value),
    [options, typed, value],
  );

  const byName = useMemo(() => new Map(visible.map((option) => [option.name, option])), [visible]);
  const matches = (name: string, text: string): boolean => {
    const option = byName.get(name);
    return option !== undefined && rankOf(option, text) < noMatch;
  };

  const chooseByName = (text: string): void => {
    const named = options.find(
      ({ name, disabled }) => !disabled && normalized(name) === normalized(text),
    );
    if (named && named.id !== value) onChange(named.id);
  };

  return (
    <I18nProvider locale="en-GB">
      <AriaComboBox
        id={id}
        className="group space-y-1"
        defaultItems={visible}
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
          chooseByName(text);
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
            onChooseFirst={(text) => {
              const first = visible.find(
                (option) => !option.disabled && rankOf(option, text) < noMatch,
              );
              if (first && first.id !== value) onChange(first.id);
            }}
            {...describedBy(id, error, warning)}
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
          {hiddenCount > 0 ? (
            <p className="border-t border-line px-3 py-2 text-xs text-muted">
              {`${formatExact(hiddenCount)} more: type a part of the name.`}
            </p>
          ) : null}
        </Popover>
      </AriaComboBox>
    </I18nProvider>
  );
}

interface FieldProps extends InputProps {
  isTyped: boolean;
  /** Called for Enter or Tab while no option is highlighted yet. */
  onChooseFirst: (text: string) => void;
}

/** The input. A press opens the list and selects the text; typing highlights the first match. */
function Field({ isTyped, onChooseFirst, ...input }: FieldProps): ReactNode {
  const state = useContext(ComboBoxStateContext);
  // Runs after every render, because React Aria removes the highlight with each key.
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
        const chooses = event.key === 'Enter' || event.key === 'Tab';
        if (!chooses || !isTyped || state?.selectionManager.focusedKey != null) return;
        onChooseFirst(event.currentTarget.value);
        // Enter chooses an option here; it must not send the form.
        if (event.key === 'Enter') event.preventDefault();
      }}
      onClick={({ currentTarget }) => {
        if (!state || state.isOpen) return;
        // Browsers select the text when the focus comes by Tab; this does it for a press.
        currentTarget.select();
        state.open(null, 'manual');
      }}
    />
  );
}

const normalized = (text: string): string => text.trim().toLowerCase();

const noMatch = 4;

/**
 * Returns how well an option matches the typed text: 0 if its name starts with it, 1 if a word of the name does, 2 if a
 * keyword does, 3 if the name or the keywords contain it, else `noMatch`.
 */
function rankOf({ name, keywords = '' }: Option, typed: string): number {
  const [wanted, inName, inKeywords] = [normalized(typed), normalized(name), normalized(keywords)];
  const startsWord = (text: string): boolean =>
    text.split(/[^\p{L}\p{N}]+/u).some((word) => word.startsWith(wanted));
  if (inName.startsWith(wanted)) return 0;
  if (startsWord(inName)) return 1;
  if (startsWord(inKeywords)) return 2;
  return inName.includes(wanted) || inKeywords.includes(wanted) ? 3 : noMatch;
}

/** A longer list takes a browser too long to draw. */
const maxVisible = 200;

/**
 * Returns the options that match the typed text, best first, or all in their order while the text is empty: at most
 * `maxVisible` and the chosen option.
 */
function rankOptions(
  options: readonly Option[],
  typed: string,
  chosen: string,
): { visible: Option[]; hiddenCount: number } {
  const isEmpty = normalized(typed) === '';
  const matching = options
    .map((option) => ({ option, rank: isEmpty ? 0 : rankOf(option, typed) }))
    .filter(({ rank }) => rank < noMatch)
    .toSorted((a, b) => a.rank - b.rank);
  const first = matching.slice(0, maxVisible).map(({ option }) => option);
  const current = options.filter((option) => option.id === chosen && !first.includes(option));
  return { visible: [...first, ...current], hiddenCount: matching.length - first.length };
}
