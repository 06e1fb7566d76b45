import { type ReactNode, useState } from 'react';
import { sizes } from '../../lib/contracts/sizes.ts';
import type { Dataset } from '../../lib/contracts/sources.ts';
import { Button } from '../ui/button.tsx';
import type { Draft } from './draft.ts';
import type { FieldProps } from './field-props.ts';

interface Props extends Omit<FieldProps<Draft['columns']>, 'error'> {
  dataset: Dataset;
}

/** Chooses columns. They keep the order of the table, unless the request has another order already. */
export default function ColumnsPicker({ id, dataset, value, onChange }: Props): ReactNode {
  const [search, setSearch] = useState('');
  const all = dataset.columns.map(({ name }) => name);
  const names = value ?? all;
  const searchText = search.trim().toLowerCase();
  const matching = dataset.columns.filter(({ name }) => name.toLowerCase().includes(searchText));
  const choose = (next: readonly string[]): void =>
    onChange(next.length === all.length && inOrder(next, all) ? null : next);
  return (
    <>
      <div className="flex items-center gap-2 border-b border-line p-2">
        <input
          type="search"
          aria-label="Search columns"
          placeholder="Search columns"
          className="input"
          maxLength={sizes.nameCharacters}
          value={search}
          onChange={(event) => setSearch(event.target.value)}
        />
        <Button small onClick={() => onChange(null)}>
          All
        </Button>
        <Button small onClick={() => onChange([])}>
          None
        </Button>
      </div>
      <fieldset className="max-h-[264px] overflow-y-auto p-1">
        <legend className="sr-only">Columns</legend>
        {matching.map(({ name, type }, index) => (
          <label
            key={name}
            className="control-small flex cursor-pointer items-center gap-2 rounded-control px-2 hover:bg-hover"
          >
            <input
              type="checkbox"
              aria-label={name}
              aria-describedby={`${id}-type-${index}`}
              className="size-4 shrink-0 cursor-pointer accent-accent"
              checked={names.includes(name)}
              onChange={({ target }) =>
                choose(target.checked ? withColumn(names, name, all) : without(names, name))
              }
            />
            <span className="min-w-0 flex-1 wrap-anywhere">{name}</span>
            <span id={`${id}-type-${index}`} className="text-xs text-muted">
              {type}
            </span>
          </label>
        ))}
        {matching.length === 0 ? (
          <p className="px-2 py-1 text-muted">No column of that name.</p>
        ) : null}
      </fieldset>
    </>
  );
}

const without = (names: readonly string[], name: string): string[] =>
  names.filter((other) => other !== name);

/** Adds a column at its place in the table, or at the end if the columns are not in the order of the table. */
function withColumn(names: readonly string[], name: string, all: readonly string[]): string[] {
  const next = [...names, name];
  return inOrder(names, all) ? all.filter((column) => next.includes(column)) : next;
}

function inOrder(names: readonly string[], all: readonly string[]): boolean {
  const places = names.map((name) => all.indexOf(name));
  return places.every((place, index) => index === 0 || place > (places[index - 1] ?? -1));
}
