import type { ReactNode } from 'react';
import { capabilitiesOf } from '../../lib/contracts/format-capabilities.ts';
import type { SourceList } from '../../lib/contracts/sources.ts';
import { formatNames } from '../exports/names.ts';
import type { Draft } from './draft.ts';

interface Props {
  id: string;
  sources: SourceList;
  draft: Draft;
  onChange: (part: Partial<Draft>) => void;
}

/** The other sources that have the dataset, too: their rows can stand in the same file. */
export function OtherSources({ id, sources, draft, onChange }: Props): ReactNode {
  const { source, others, dataset, format } = draft;
  const names = sources.sources
    .filter(
      ({ name, datasets }) =>
        name !== source &&
        (others.includes(name) || datasets.some((found) => found.name === dataset)),
    )
    .map(({ name }) => name);
  if (names.length === 0) return null;
  if (!capabilitiesOf(format).severalSources)
    return (
      <p className="text-xs text-muted">
        {`${names.join(', ')} ${names.length === 1 ? 'has' : 'have'} ${dataset}, too. A file of ${formatNames[format]} has the rows of one source only.`}
      </p>
    );
  return (
    <fieldset aria-describedby={`${id}-hint`} className="space-y-1">
      <legend className="text-sm font-medium">Rows of other sources, too</legend>
      <div className="flex flex-wrap gap-x-4">
        {names.map((name) => (
          <label key={name} className="control-small flex cursor-pointer items-center gap-2">
            <input
              type="checkbox"
              className="size-4 shrink-0 cursor-pointer accent-accent"
              checked={others.includes(name)}
              onChange={({ target }) =>
                onChange({
                  others: target.checked
                    ? [...others, name]
                    : others.filter((other) => other !== name),
                })
              }
            />
            <span className="wrap-anywhere">{name}</span>
          </label>
        ))}
      </div>
      <p id={`${id}-hint`} className="text-xs text-muted">
        {others.length === 0
          ? `Of sources that have ${dataset}, too.`
          : `In one file: ${[source, ...others].join(', then ')}. The first column, _source, says of which each row is.`}
      </p>
    </fieldset>
  );
}
