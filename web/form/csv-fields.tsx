import type { ReactNode } from 'react';
import { type CsvOptions, csvChoices } from '../../lib/contracts/format-capabilities.ts';
import { sizes } from '../../lib/contracts/sizes.ts';
import { csvNames, csvTerms } from '../exports/csv-names.ts';
import { FieldError, TextField } from '../ui/field.tsx';
import { ChoiceField } from './choice-field.tsx';

interface Props {
  id: string;
  options: CsvOptions;
  onChange: (options: CsvOptions) => void;
  error: string | undefined;
}

/** How a CSV is written, for programs that expect another one than PostgreSQL's. */
export function CsvFields({ id, options, onChange, error }: Props): ReactNode {
  const { delimiter, decimal, quote, newline } = options;
  const named = (name: keyof CsvOptions) => ({ id: `${id}-${name}`, label: csvTerms[name] });
  return (
    <fieldset
      id={id}
      tabIndex={-1}
      aria-describedby={error ? `${id}-error` : undefined}
      className="space-y-3 outline-none"
    >
      <legend className="sr-only">CSV</legend>
      <div className="grid items-end gap-3 min-[360px]:grid-cols-2">
        <ChoiceField
          {...named('delimiter')}
          choices={csvChoices.delimiter}
          names={csvNames.delimiter}
          value={delimiter}
          onChoose={(chosen) => onChange({ ...options, delimiter: chosen })}
        />
        <ChoiceField
          {...named('decimal')}
          choices={csvChoices.decimal}
          names={csvNames.decimal}
          value={decimal}
          onChoose={(chosen) => onChange({ ...options, decimal: chosen })}
        />
        <ChoiceField
          {...named('quote')}
          choices={csvChoices.quote}
          names={csvNames.quote}
          value={quote}
          onChoose={(chosen) => onChange({ ...options, quote: chosen })}
        />
        <ChoiceField
          {...named('newline')}
          choices={csvChoices.newline}
          names={csvNames.newline}
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
      <FieldError id={`${id}-error`} message={error} />
    </fieldset>
  );
}
