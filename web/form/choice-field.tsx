import type { ComponentProps, ReactNode } from 'react';
import { SelectField } from '../ui/field.tsx';
import { oneOf } from './draft.ts';

/** A field for one of the values that the request schema allows. */
export function ChoiceField<T extends string>({
  choices,
  names,
  value,
  onChoose,
  ...field
}: Omit<ComponentProps<typeof SelectField>, 'children' | 'value' | 'onChange'> & {
  choices: readonly T[];
  names: Record<T, string>;
  value: T;
  onChoose: (choice: T) => void;
}): ReactNode {
  return (
    <SelectField
      {...field}
      value={value}
      onChange={({ target }) => onChoose(oneOf(choices, target.value) ?? value)}
    >
      {choices.map((choice) => (
        <option key={choice} value={choice}>
          {names[choice]}
        </option>
      ))}
    </SelectField>
  );
}
