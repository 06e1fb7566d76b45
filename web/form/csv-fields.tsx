import type { ReactNode } from 'react';
import { type CsvOptions, csvChoices } from '../../lib/contracts/format-capabilities.ts';
import { sizes } from '../../lib/contracts/sizes.ts';
import { csvLabels, csvTerms } from '../exports/csv-labels.ts';
import { FieldGroup, TextField } from '../ui/field.tsx';
import { ChoiceField } from './choice-field.tsx';
import type { FieldProps } from './field-props.ts';

/** The CSV dialect, for programs that do not read PostgreSQL's. */
export function CsvFields(props: FieldProps<CsvOptions>): ReactNode {
  const { id, value: options, onChange, error } = props;
  const { delimiter, decimal, quote, newline } = options;
  const named = (name: keyof CsvOptions) => ({ id: `${id}-${name}`, label: csvTerms[name] });
  return (
    <FieldGroup id={id} legend="CSV" legendHidden error={error}>
      <div className="grid items-end gap-3 min-[360px]:grid-cols-2">
        <ChoiceField
          {...named('delimiter')}
          choices={csvChoices.delimiter}
          names={csvLabels.delimiter}
          value={delimiter}
          onChoose={(chosen) => onChange({ ...options, delimiter: chosen })}
        />
        <ChoiceField
          {...named('decimal')}
          choices={csvChoices.decimal}
          names={csvLabels.decimal}
          value={decimal}
          onChoose={(chosen) => onChange({ ...options, decimal: chosen })}
        />
        <ChoiceField
          {...named('quote')}
          choices={csvChoices.quote}
          names={csvLabels.quote}
          value={quote}
          onChoose={(chosen) => onChange({ ...options, quote: chosen })}
        />
        <ChoiceField
          {...named('newline')}
          choices={csvChoices.newline}
          names={csvLabels.newline}
          value={newline}
          onChoose={(chosen) => onChange({ ...options, newline: chosen })}
        />
      </div>
      <TextField
        {...named('nullText')}
        placeholder="nothing"
        maxLength={sizes.nullTextCharacters}
        autoComplete="off"
        spellCheck={false}
        value={options.nullText}
        onChange={({ target }) => onChange({ ...options, nullText: target.value })}
      />
    </FieldGroup>
  );
}
