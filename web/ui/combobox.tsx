import type { ReactNode } from 'react';
import { Button } from 'react-aria-components/Button';
import { ComboBox as AriaComboBox, Input, Label } from 'react-aria-components/ComboBox';
import { I18nProvider } from 'react-aria-components/I18nProvider';
import { ListBox, ListBoxItem } from 'react-aria-components/ListBox';
import { Popover } from 'react-aria-components/Popover';
import { sizes } from '../../lib/contracts/sizes.ts';
import { described, FieldError, FieldWarning, labelClass } from './field.tsx';
import { Icon } from './icons.tsx';

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
 * A combobox with a list, manual selection (APG): Down opens, Enter accepts, Esc closes. A name typed
 * out in full counts as chosen, so that Tab goes on without opening the list.
 */
export default function ComboBox(props: Props): ReactNode {
  const { id, label, options, value, onChange, onOpen, placeholder, error, warning, empty } = props;

  const matches = (name: string, typed: string): boolean => {
    const keywords = options.find((option) => option.name === name)?.keywords ?? '';
    return `${name} ${keywords}`.toLowerCase().includes(typed.trim().toLowerCase());
  };

  const chooseWhole = (typed: string): void => {
    const text = typed.trim().toLowerCase();
    const whole = options.find(({ name, disabled }) => !disabled && name.toLowerCase() === text);
    if (whole && whole.id !== value) onChange(whole.id);
  };

  return (
    <I18nProvider locale="en-GB">
      <AriaComboBox
        id={id}
        className="group space-y-1"
        defaultItems={options}
        defaultFilter={matches}
        selectedKey={value === '' ? null : value}
        allowsEmptyCollection
        isInvalid={error !== undefined}
        onOpenChange={(isOpen) => {
          if (isOpen) onOpen?.();
        }}
        onInputChange={chooseWhole}
        onSelectionChange={(key) => {
          if (key !== null && key !== value) onChange(String(key));
        }}
      >
        <Label className={props.labelHidden ? 'sr-only' : labelClass}>{label}</Label>
        <div className="relative">
          <Input
            id={id}
            className="input pr-10 text-ellipsis"
            maxLength={sizes.nameCharacters}
            placeholder={placeholder ?? ''}
            spellCheck={false}
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
          className="w-(--trigger-width) min-w-[240px] overflow-y-auto rounded-card bg-background p-1 shadow-overlay"
        >
          <ListBox
            className="outline-none"
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
        </Popover>
      </AriaComboBox>
    </I18nProvider>
  );
}
