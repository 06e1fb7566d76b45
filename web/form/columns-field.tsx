import { lazy, type ReactNode, useState } from 'react';
import type { Dataset } from '../../lib/contracts/sources.ts';
import { DisclosureField } from './disclosure-field.tsx';
import type { Draft } from './draft.ts';
import type { FieldProps } from './field-props.ts';

const ColumnsPicker = lazy(() => import('./columns-picker.tsx'));

interface Props extends FieldProps<Draft['columns']> {
  dataset: Dataset;
}

export function ColumnsField({ error, ...picker }: Props): ReactNode {
  const { id, dataset, value } = picker;
  const [open, setOpen] = useState(false);
  const count = dataset.columns.length;
  return (
    <DisclosureField
      id={id}
      label="Columns"
      summary={`${value?.length ?? count} of ${count}`}
      open={open}
      onToggle={() => setOpen(!open)}
      error={error}
    >
      <ColumnsPicker {...picker} />
    </DisclosureField>
  );
}
