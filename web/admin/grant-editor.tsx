import { type ReactNode, useEffect, useId, useRef, useState } from 'react';
import type { ColumnPolicy } from '../../lib/contracts/grants.ts';
import { sizes } from '../../lib/contracts/sizes.ts';
import type { Dataset } from '../../lib/contracts/sources.ts';
import { ConditionsField } from '../form/conditions-field.tsx';
import { Button } from '../ui/button.tsx';
import { Disclosure } from '../ui/details.tsx';
import { Select, SelectField, TextField } from '../ui/field.tsx';
import { type Column, ListTable } from '../ui/list-table.tsx';
import { anyDataset, type EditedGrant, policyLabels } from './grant.ts';

interface Props {
  place: number;
  grant: EditedGrant;
  isNew: boolean;
  sourceNames: readonly string[];
  datasetNames: readonly string[];
  dataset: Dataset;
  onChange: (grant: EditedGrant) => void;
  onRemove: () => void;
}

const isPolicy = (value: string): value is ColumnPolicy => Object.hasOwn(policyLabels, value);

/** One grant: its dataset, what the account sees of each column, and of which rows. */
export function GrantEditor(props: Props): ReactNode {
  const { place, grant, isNew, sourceNames, datasetNames, dataset, onChange, onRemove } = props;
  const id = useId();
  const group = useRef<HTMLFieldSetElement>(null);
  useEffect(() => {
    if (isNew) group.current?.querySelector('select')?.focus();
  }, [isNew]);
  const sources = sourceNames.includes(grant.source) ? sourceNames : [grant.source, ...sourceNames];
  return (
    <fieldset
      ref={group}
      id={`grant-${grant.key}`}
      tabIndex={-1}
      className="min-w-0 space-y-2 rounded-card border border-line p-4"
    >
      <legend className="float-left w-full font-semibold">{`Grant ${place}`}</legend>
      <div className="clear-left grid items-start gap-3 pt-2 sm:grid-cols-[1fr_1fr_auto]">
        <SelectField
          id={`${id}-source`}
          label="Source"
          value={grant.source}
          onChange={({ target }) => onChange({ ...grant, source: target.value })}
        >
          {sources.map((name) => (
            <option key={name} value={name}>
              {name === '' ? 'Choose a source' : name}
            </option>
          ))}
        </SelectField>
        <TextField
          id={`${id}-dataset`}
          label="Dataset"
          hint="* is every dataset without a grant of its own."
          list={`${id}-datasets`}
          maxLength={sizes.nameCharacters}
          autoComplete="off"
          spellCheck={false}
          value={grant.dataset}
          onChange={({ target }) => onChange({ ...grant, dataset: target.value })}
        />
        <datalist id={`${id}-datasets`}>
          {[anyDataset, ...datasetNames].map((name) => (
            <option key={name} value={name}>
              {name}
            </option>
          ))}
        </datalist>
        <Button aria-label={`Remove grant ${place}`} className="sm:mt-6" onClick={onRemove}>
          Remove
        </Button>
      </div>
      <Disclosure title={countText(grant.columns.size, 'column rule')}>
        <Columns place={place} grant={grant} dataset={dataset} onChange={onChange} />
      </Disclosure>
      <Disclosure title={countText(grant.conditions.length, 'row condition')}>
        <div className="max-w-[480px] pt-2">
          <ConditionsField
            id={`${id}-conditions`}
            dataset={dataset}
            value={grant.conditions}
            error={undefined}
            onChange={(conditions) => onChange({ ...grant, conditions })}
          />
          {dataset.columns.length === 0 ? (
            <p className="text-xs text-muted">
              Name a column above before you choose it in a condition.
            </p>
          ) : null}
        </div>
      </Disclosure>
    </fieldset>
  );
}

const countText = (count: number, one: string): string =>
  count === 0 ? `No ${one}s` : count === 1 ? `1 ${one}` : `${count} ${one}s`;

function Columns({
  place,
  grant,
  dataset,
  onChange,
}: Pick<Props, 'place' | 'grant' | 'dataset' | 'onChange'>): ReactNode {
  const id = useId();
  const [typed, setTyped] = useState('');
  const set = (name: string, policy: ColumnPolicy, isKnown: boolean): void => {
    const columns = new Map(grant.columns);
    // A column that is not named is allowed.
    if (policy === 'allow' && isKnown) columns.delete(name);
    else columns.set(name, policy);
    onChange({ ...grant, columns });
  };
  const add = (): void => {
    const name = typed.trim();
    if (name === '') return;
    set(name, grant.columns.get(name) ?? 'drop', false);
    setTyped('');
  };
  const columns = columnsOf(place, grant.columns, (name, policy) => set(name, policy, true));
  return (
    <div className="space-y-3 pt-2">
      <p className="text-xs text-muted">
        Allow: the values. Drop: the column does not exist. Mask: *** for texts, NULL for others.
        Hash: the same value has the same hash.
      </p>
      {dataset.columns.length === 0 ? null : (
        <ListTable
          caption={`Columns of ${grant.dataset === anyDataset ? 'every dataset' : grant.dataset}`}
          columns={columns}
          rows={dataset.columns}
          keyOf={({ name }) => name}
        />
      )}
      <div className="flex max-w-[480px] items-end gap-2">
        <TextField
          id={id}
          className="flex-1"
          label="Another column"
          maxLength={sizes.nameCharacters}
          autoComplete="off"
          spellCheck={false}
          value={typed}
          onChange={({ target }) => setTyped(target.value)}
          onKeyDown={({ key }) => {
            if (key === 'Enter') add();
          }}
        />
        <Button aria-label={`Add column to grant ${place}`} onClick={add}>
          Add
        </Button>
      </div>
    </div>
  );
}

const columnsOf = (
  place: number,
  policies: ReadonlyMap<string, ColumnPolicy>,
  onSet: (name: string, policy: ColumnPolicy) => void,
): Column<Dataset['columns'][number]>[] => [
  { name: 'Column', cell: ({ name }) => <span className="font-medium">{name}</span> },
  { name: 'Type', cell: ({ type }) => <span className="text-muted">{type}</span> },
  {
    name: 'The account sees',
    cell: ({ name }) => (
      <Select
        aria-label={`${name} of grant ${place}`}
        className="max-w-[160px]"
        value={policies.get(name) ?? 'allow'}
        onChange={({ target }) => {
          if (isPolicy(target.value)) onSet(name, target.value);
        }}
      >
        {Object.entries(policyLabels).map(([policy, label]) => (
          <option key={policy} value={policy}>
            {label}
          </option>
        ))}
      </Select>
    ),
  },
];
