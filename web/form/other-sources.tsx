import type { ReactNode } from 'react';
import { capabilitiesOf } from '../../lib/contracts/format-capabilities.ts';
import { formatLabels } from '../exports/labels.ts';
import { labelClass } from '../ui/field.tsx';
import type { Draft } from './draft.ts';

interface Props {
  id: string;
  /** The other sources that have the dataset. */
  names: readonly string[];
  draft: Draft;
  onChange: (patch: Partial<Draft>) => void;
}

/** The rows of other sources, which can be added to the file. */
export default function OtherSources({ id, names, draft, onChange }: Props): ReactNode {
  const { source, others, dataset, format } = draft;
  if (!capabilitiesOf(format).severalSources)
    return (
      <p className="text-xs text-muted">
        {`${names.join(', ')} also ${names.length === 1 ? 'has' : 'have'} ${dataset}. A file of ${formatLabels[format]} has the rows of one source only.`}
      </p>
    );
  return (
    <fieldset aria-describedby={`${id}-hint`} className="space-y-1">
      <legend className={labelClass}>Add rows from</legend>
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
          ? `These sources also have ${dataset}.`
          : `In one file: ${[source, ...others].join(', then ')}. A first column, _source, names the source of each row.`}
      </p>
    </fieldset>
  );
}
