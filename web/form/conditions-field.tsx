import { type ReactNode, useEffect, useId, useRef, useState } from 'react';
import { sizes } from '../../lib/contracts/sizes.ts';
import type { Dataset } from '../../lib/contracts/sources.ts';
import { conditionText } from '../exports/condition-text.ts';
import { Button } from '../ui/button.tsx';
import { FieldGroup, Select } from '../ui/field.tsx';
import { Icon } from '../ui/icons.tsx';
import {
  type Condition,
  newCondition,
  type Operator,
  operatorNames,
  operators,
} from './conditions.ts';
import { oneOf } from './draft.ts';
import type { FieldProps } from './field-props.ts';

interface Props extends FieldProps<readonly Condition[]> {
  dataset: Dataset | undefined;
  /** Shows the legend to screen readers only. */
  legendHidden?: boolean;
}

/**
 * A list of conditions. Focus moves to a condition when it is added, and to the button "Add condition" when one is
 * removed.
 */
export function ConditionsField(props: Props): ReactNode {
  const { id, dataset, value: conditions, onChange, error, legendHidden = false } = props;
  const addButton = useRef<HTMLButtonElement>(null);
  const [addedKey, setAddedKey] = useState<string | null>(null);
  const replace = (key: string, next: Condition[]): void =>
    onChange(conditions.flatMap((condition) => (condition.key === key ? next : [condition])));
  return (
    <FieldGroup id={id} legend="Conditions" legendHidden={legendHidden} error={error}>
      <p className="text-xs text-muted">Only rows that meet every condition are exported.</p>
      {conditions.map((condition, place) => (
        <ConditionRow
          key={condition.key}
          place={place + 1}
          dataset={dataset}
          condition={condition}
          isNew={condition.key === addedKey}
          onChange={(patch) => replace(condition.key, [{ ...condition, ...patch, sent: null }])}
          onRemove={() => {
            replace(condition.key, []);
            addButton.current?.focus();
          }}
        />
      ))}
      {conditions.length < sizes.conditions && dataset ? (
        <Button
          ref={addButton}
          small
          onClick={() => {
            const condition = newCondition(dataset.columns[0]?.name ?? '');
            setAddedKey(condition.key);
            onChange([...conditions, condition]);
          }}
        >
          Add condition
        </Button>
      ) : null}
      {dataset ? null : <p className="text-muted">Choose a dataset first.</p>}
    </FieldGroup>
  );
}

interface RowProps {
  place: number;
  dataset: Dataset | undefined;
  condition: Condition;
  isNew: boolean;
  onChange: (patch: Partial<Pick<Condition, 'column' | 'operator' | 'text'>>) => void;
  onRemove: () => void;
}

function ConditionRow(props: RowProps): ReactNode {
  const { place, dataset, condition, isNew, onChange, onRemove } = props;
  const { column, operator, sent, editable } = condition;
  const row = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (isNew) row.current?.querySelector('select')?.focus();
  }, [isNew]);
  const names = dataset?.columns.map(({ name }) => name) ?? [];
  const removeButton = (
    <Button small aria-label={`Remove condition ${place}`} className="px-2" onClick={onRemove}>
      <Icon name="cross" />
    </Button>
  );
  if (!editable && sent)
    return (
      <div className="flex items-start justify-between gap-2">
        <p className="min-w-0 py-1.5 wrap-anywhere">{conditionText(sent)}</p>
        {removeButton}
      </div>
    );
  return (
    <div
      ref={row}
      role="group"
      aria-label={`Condition ${place}`}
      className="space-y-2 border-l-2 border-line pl-3"
    >
      <div className="flex items-start gap-2">
        <Select
          aria-label={`Column of condition ${place}`}
          className="min-w-0 flex-1"
          value={column}
          onChange={({ target }) => onChange({ column: target.value })}
        >
          {(names.includes(column) ? names : [column, ...names]).map((name) => (
            <option key={name} value={name}>
              {name}
            </option>
          ))}
        </Select>
        {removeButton}
      </div>
      <Select
        aria-label={`Comparison of condition ${place}`}
        value={operator}
        onChange={({ target }) =>
          onChange({ operator: oneOf(operatorNames, target.value) ?? operator })
        }
      >
        {operatorNames.map((name) => (
          <option key={name} value={name}>
            {operators[name].label}
          </option>
        ))}
      </Select>
      <ValueField {...props} />
    </div>
  );
}

function ValueField({ place, dataset, condition, onChange }: RowProps): ReactNode {
  const id = useId();
  const { column, operator, text } = condition;
  const { operand } = operators[operator];
  const type = dataset?.columns.find(({ name }) => name === column)?.type ?? '';
  const label = `Value of condition ${place}`;
  if (operand === 'none') return null;
  if (operand === 'list')
    return (
      <>
        <textarea
          aria-label={`Values of condition ${place}, one per line`}
          aria-describedby={`${id}-hint`}
          rows={3}
          className="input block"
          spellCheck={false}
          value={text}
          onChange={({ target }) => onChange({ text: target.value })}
          onPaste={(event) => {
            const pasted = cellsOf(event.clipboardData);
            if (pasted.length < 2) return;
            event.preventDefault();
            const { selectionStart, selectionEnd } = event.currentTarget;
            onChange({
              text: text.slice(0, selectionStart) + pasted.join('\n') + text.slice(selectionEnd),
            });
          }}
        />
        <p id={`${id}-hint`} className="text-xs text-muted">
          One value per line. Cells of a spreadsheet can be pasted.
        </p>
      </>
    );
  if (operand === 'bounds') {
    const [first = '', last = ''] = text.split('\n');
    return (
      <div className="grid grid-cols-2 gap-2">
        {[
          { name: 'First', value: first, replace: (typed: string) => [typed, last] },
          { name: 'Last', value: last, replace: (typed: string) => [first, typed] },
        ].map(({ name, value, replace }) => (
          <input
            key={name}
            aria-label={`${name} value of condition ${place}`}
            placeholder={name}
            className="input"
            maxLength={sizes.stringBytes}
            autoComplete="off"
            spellCheck={false}
            value={value}
            onChange={({ target }) => onChange({ text: replace(target.value).join('\n') })}
          />
        ))}
      </div>
    );
  }
  if (type === 'boolean')
    return (
      <Select
        aria-label={label}
        value={text}
        onChange={({ target }) => onChange({ text: target.value })}
      >
        {text === 'true' || text === 'false' ? null : <option value={text}>Choose</option>}
        <option value="true">true</option>
        <option value="false">false</option>
      </Select>
    );
  const hint = operand === 'pattern' ? '% stands for any text, _ for one character.' : hintOf(type);
  return (
    <>
      <input
        aria-label={label}
        aria-describedby={hint ? `${id}-hint` : undefined}
        className="input"
        maxLength={sizes.stringBytes}
        autoComplete="off"
        spellCheck={false}
        value={text.replaceAll('\n', ' ')}
        onChange={({ target }) => onChange({ text: target.value })}
        onPaste={(event) => {
          const pasted = cellsOf(event.clipboardData);
          const list = listOperators[operator];
          if (pasted.length < 2 || list === undefined) return;
          event.preventDefault();
          onChange({ operator: list, text: pasted.join('\n') });
        }}
      />
      {hint ? (
        <p id={`${id}-hint`} className="text-xs text-muted">
          {hint}
        </p>
      ) : null}
    </>
  );
}

/** The comparison with a list that several pasted values lead to. */
const listOperators: Partial<Record<Operator, Operator>> = { eq: 'in', ne: 'notIn' };

/** Returns pasted values: the cells of a spreadsheet, which tabs and line feeds separate. */
const cellsOf = (clipboard: DataTransfer): string[] =>
  clipboard
    .getData('text/plain')
    .split(/[\t\r\n]+/)
    .filter((cell) => cell !== '');

/** Returns how a value of a type is typed. Times follow the database, not the zone of the page. */
function hintOf(type: string): string | undefined {
  if (type.startsWith('timestamp')) return 'Like 2026-03-01T14:30:00Z; without a zone, UTC.';
  if (type === 'date') return 'Like 2026-03-01.';
  return undefined;
}
