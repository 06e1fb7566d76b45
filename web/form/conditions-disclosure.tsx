import { lazy, type ReactNode, useState } from 'react';
import type { Dataset } from '../../lib/contracts/sources.ts';
import { type Condition, describeCondition } from './conditions.ts';
import { DisclosureField } from './disclosure-field.tsx';
import type { FieldProps } from './field-props.ts';

const ConditionsField = lazy(async () => {
  const { ConditionsField: field } = await import('./conditions-field.tsx');
  return { default: field };
});

interface Props extends FieldProps<readonly Condition[]> {
  /** The id of the button; `id` is that of the group inside. */
  buttonId: string;
  dataset: Dataset | undefined;
}

export function ConditionsDisclosure({ buttonId, error, ...field }: Props): ReactNode {
  const { value: conditions, dataset } = field;
  const [open, setOpen] = useState(false);
  return (
    <DisclosureField
      id={buttonId}
      label="Conditions"
      summary={
        conditions.length === 0
          ? 'none'
          : conditions.map((condition) => describeCondition(condition, dataset)).join(' · ')
      }
      open={open}
      onToggle={() => setOpen(!open)}
      error={open ? undefined : error}
    >
      <div className="p-3">
        <ConditionsField {...field} legendHidden error={error} />
      </div>
    </DisclosureField>
  );
}
