import { type ReactNode, useEffect, useId, useRef, useState } from 'react';
import { sizes } from '../../lib/contracts/sizes.ts';
import type { Dataset } from '../../lib/contracts/sources.ts';
import { conditionText } from '../exports/condition-text.ts';
import { Button } from '../ui/button.tsx';
import { FieldError, Select } from '../ui/field.tsx';
import { Icon } from '../ui/icons.tsx';
import { type Condition, newCondition, operatorNames, operators } from './conditions.ts';
import { oneOf } from './draft.ts';

interface Props {
  id: string;
  dataset: Dataset | undefined;
  conditions: readonly Condition[];
  onChange: (conditions: readonly Condition[]) => void;
  error: string | undefined;
}

/** Conditions that all have to hold, one below the other; a new one has the focus, and so has what is left of one. */
export function ConditionsField({ id, dataset, conditions, onChange, error }: Props): ReactNode {
  const add = useRef<HTMLButtonElement>(null);
  const [added, setAdded] = useState<string | null>(null);
  const replace = (key: string, next: Condition[]): void =>
    onChange(conditions.flatMap((condition) => (condition.key === key ? next : [condition])));
  return (
    <fieldset
      id={id}
      tabIndex={-1}
      aria-describedby={error ? `${id}-error` : undefined}
      className="space-y-3 outline-none"
    >
      <legend className="text-sm font-medium">Conditions</legend>
      <p className="text-xs text-muted">
        {conditions.length > 1
          ? 'Rows for which all of them hold.'
          : 'Only rows for which it holds.'}
      </p>
      {conditions.map((condition, place) => (
        <ConditionRow
          key={condition.key}
          place={place + 1}
          dataset={dataset}
          condition={condition}
          isNew={condition.key === added}
          onChange={(part) => replace(condition.key, [{ ...condition, ...part, sent: null }])}
          onRemove={() => {
            replace(condition.key, []);
            add.current?.focus();
          }}
        />
      ))}
      <FieldError id={`${id}-error`} message={error} />
      {conditions.length < sizes.conditions && dataset ? (
        <Button
          ref={add}
          small
          onClick={() => {
            const condition = newCondition(dataset.columns[0]?.name ?? '');
            setAdded(condition.key);
            onChange([...conditions, condition]);
          }}
        >
          Add condition
        </Button>
      ) : null}
    </fieldset>
  );
}

interface RowProps {
  place: number;
  dataset: Dataset | undefined;
  condition: Condition;
  isNew: boolean;
  onChange: (part: Partial<Pick<Condition, 'column' | 'operator' | 'text'>>) => void;
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
  const remove = (
    <Button small aria-label={`Remove condition ${place}`} className="px-2" onClick={onRemove}>
      <Icon name="cross" />
    </Button>
  );
  if (!editable && sent)
    return (
      <div className="flex items-start justify-between gap-2">
        <p className="min-w-0 py-1.5 wrap-anywhere">{conditionText(sent)}</p>
        {remove}
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
        {remove}
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
            {operators[name].words}
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
  const { takes } = operators[operator];
  const type = dataset?.columns.find(({ name }) => name === column)?.type ?? '';
  const label = `Value of condition ${place}`;
  if (takes === 'nothing') return null;
  if (takes === 'list')
    return (
      <>
        <textarea
          aria-label={`Values of condition ${place}, one a line`}
          aria-describedby={`${id}-hint`}
          rows={3}
          className="input block"
          spellCheck={false}
          value={text}
          onChange={({ target }) => onChange({ text: target.value })}
        />
        <p id={`${id}-hint`} className="text-xs text-muted">
          One value a line.
        </p>
      </>
    );
  if (takes === 'two') {
    const [first = '', last = ''] = text.split('\n');
    return (
      <div className="grid grid-cols-2 gap-2">
        {[
          { name: 'First', value: first, set: (typed: string) => [typed, last] },
          { name: 'Last', value: last, set: (typed: string) => [first, typed] },
        ].map(({ name, value, set }) => (
          <input
            key={name}
            aria-label={`${name} value of condition ${place}`}
            placeholder={name}
            className="input"
            maxLength={sizes.stringBytes}
            autoComplete="off"
            spellCheck={false}
            value={value}
            onChange={({ target }) => onChange({ text: set(target.value).join('\n') })}
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
  const hint = takes === 'pattern' ? '% stands for any text, _ for one character.' : hintOf(type);
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
      />
      {hint ? (
        <p id={`${id}-hint`} className="text-xs text-muted">
          {hint}
        </p>
      ) : null}
    </>
  );
}

/** Values of conditions are those of the database, not of the page's zone. */
function hintOf(type: string): string | undefined {
  if (type.startsWith('timestamp')) return 'Like 2026-03-01T14:30:00Z; UTC where no zone is given.';
  if (type === 'date') return 'Like 2026-03-01.';
  return undefined;
}
