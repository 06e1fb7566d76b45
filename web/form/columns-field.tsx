import { lazy, type ReactNode, Suspense, useState } from 'react';
import type { Dataset } from '../../lib/contracts/sources.ts';
import { described, FieldError } from '../ui/field.tsx';
import { Icon } from '../ui/icons.tsx';

const ColumnsPicker = lazy(() => import('./columns-picker.tsx'));

interface Props {
  id: string;
  dataset: Dataset;
  /** In the order of the file; null: all. */
  chosen: readonly string[] | null;
  onChange: (columns: readonly string[] | null) => void;
  error: string | undefined;
}

export function ColumnsField({ error, ...picker }: Props): ReactNode {
  const { id, dataset, chosen } = picker;
  const [open, setOpen] = useState(false);
  const all = dataset.columns.length;
  return (
    <div className="space-y-1">
      <button
        type="button"
        id={id}
        aria-expanded={open}
        aria-controls={`${id}-list`}
        onClick={() => setOpen(!open)}
        className="input flex items-center justify-between gap-2 text-left"
        {...described(id, error, undefined)}
      >
        <span>
          Columns <span className="text-muted">{`${chosen?.length ?? all} of ${all}`}</span>
        </span>
        <Icon name="chevron" className={`text-muted ${open ? 'rotate-180' : ''}`} />
      </button>
      <FieldError id={`${id}-error`} message={error} />
      <div id={`${id}-list`} hidden={!open} className="rounded-card border border-line">
        {open ? (
          <Suspense fallback={<p className="p-3 text-muted">Loading…</p>}>
            <ColumnsPicker {...picker} />
          </Suspense>
        ) : null}
      </div>
    </div>
  );
}
