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
  const [pastedNote, setPastedNote] = useState('');
  const all = dataset.columns.map(({ name }) => name);
  const names = value ?? all;
  const searchText = search.trim().toLowerCase();
  const matching = dataset.columns.filter(({ name }) => name.toLowerCase().includes(searchText));
  const choose = (next: readonly string[]): void =>
    onChange(next.length === all.length && inOrder(next, all) ? null : next);
  // While a search is typed, both buttons act on the columns that it finds.
  const found = new Set(matching.map(({ name }) => name));
  return (
    <>
      <div className="flex items-center gap-2 border-b border-line p-2">
        <input
          type="search"
          aria-label="Search columns, or paste names"
          placeholder="Search or paste"
          className="input"
          maxLength={sizes.nameCharacters}
          value={search}
          onChange={(event) => {
            setSearch(event.target.value);
            setPastedNote('');
          }}
          onPaste={(event) => {
            const pasted = pastedNames(event.clipboardData.getData('text/plain'));
            if (pasted.length < 2) return;
            event.preventDefault();
            const known = pasted.filter((name) => all.includes(name));
            const unknown = pasted.filter((name) => !all.includes(name));
            if (known.length > 0) choose(known);
            setPastedNote(
              `${known.length} of ${pasted.length} pasted names chosen.${unknown.length > 0 ? ` No column: ${unknown.join(', ')}.` : ''}`,
            );
          }}
        />
        <Button
          small
          onClick={() =>
            choose(
              [...found].reduce<readonly string[]>(
                (next, name) => withColumn(next, name, all),
                names,
              ),
            )
          }
        >
          All
        </Button>
        <Button small onClick={() => choose(names.filter((name) => !found.has(name)))}>
          None
        </Button>
      </div>
      <p role="status" className="px-3 text-xs text-muted wrap-anywhere not-empty:py-2">
        {pastedNote}
      </p>
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

/** Returns the names of a pasted list: a line or the cells of a spreadsheet, or a list with commas. */
const pastedNames = (text: string): string[] => [
  ...new Set(
    text
      .split(/[\t\r\n,;]+/)
      .map((name) => name.trim().replace(/^"(.*)"$/, '$1'))
      .filter((name) => name !== ''),
  ),
];

const without = (names: readonly string[], name: string): string[] =>
  names.filter((other) => other !== name);

/** Adds a column at its place in the table, or at the end if the columns are not in the order of the table. */
function withColumn(names: readonly string[], name: string, all: readonly string[]): string[] {
  if (names.includes(name)) return [...names];
  const next = [...names, name];
  return inOrder(names, all) ? all.filter((column) => next.includes(column)) : next;
}

function inOrder(names: readonly string[], all: readonly string[]): boolean {
  const places = names.map((name) => all.indexOf(name));
  return places.every((place, index) => index === 0 || place > (places[index - 1] ?? -1));
}
