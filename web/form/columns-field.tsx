import { lazy, type ReactNode, useState } from 'react';
import type { Dataset } from '../../lib/contracts/sources.ts';
import { DisclosureField } from './disclosure-field.tsx';
import type { Draft } from './draft.ts';
import type { FieldProps } from './field-props.ts';

const ColumnsPicker = lazy(() => import('./columns-picker.tsx'));

interface Props extends FieldProps<Draft['columns']> {
  dataset: Dataset | undefined;
}

export function ColumnsField({ error, dataset, ...picker }: Props): ReactNode {
  const { id, value } = picker;
  const [open, setOpen] = useState(false);
  return (
    <DisclosureField
      id={id}
      label="Columns"
      summary={summaryOf(value, dataset)}
      open={open}
      onToggle={() => setOpen(!open)}
      error={error}
    >
      {dataset ? (
        <ColumnsPicker {...picker} dataset={dataset} />
      ) : (
        <p className="p-3 text-muted">Choose a dataset first.</p>
      )}
    </DisclosureField>
  );
}

function summaryOf(columns: Draft['columns'], dataset: Dataset | undefined): string {
  if (columns) return `${columns.length}${dataset ? ` of ${dataset.columns.length}` : ''}`;
  return dataset ? `all ${dataset.columns.length}` : 'all';
}
