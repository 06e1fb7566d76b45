import type { ReactNode } from 'react';
import type { ExportRequest } from '../../lib/contracts/export-request.ts';
import { capabilitiesOf, formats } from '../../lib/contracts/format-capabilities.ts';
import { compressionNames, consistencyNames, formatNames } from '../exports/names.ts';
import { SelectField } from '../ui/field.tsx';
import { ChoiceField } from './choice-field.tsx';
import { type Draft, type FieldName, fitted } from './draft.ts';
import { ttlChoices } from './time-to-live.ts';

interface Props {
  draft: Draft;
  onChange: (part: Partial<Draft>) => void;
  fieldId: (field: FieldName) => string;
  errorOf: (field: FieldName) => string | undefined;
}

/** What kind of file it is to be, of which moment its rows are, and how long it is kept. */
export function FileFields({ draft, onChange, fieldId, errorOf }: Props): ReactNode {
  const { compressions, consistencies } = capabilitiesOf(draft.format);
  const { compression, consistency } = fitted(draft);
  const formatHint = `${fieldId('format')}-kinds`;
  return (
    <>
      <div className="space-y-1">
        <div className="grid grid-cols-2 gap-3">
          <ChoiceField
            id={fieldId('format')}
            label="Format"
            aria-describedby={formatHint}
            choices={formats}
            names={formatNames}
            value={draft.format}
            error={errorOf('format')}
            onChoose={(format) => onChange({ format })}
          />
          <ChoiceField
            id={fieldId('compression')}
            label="Compression"
            choices={compressions}
            names={compressionNames}
            value={compression}
            error={errorOf('compression')}
            onChoose={(chosen) => onChange({ compression: chosen })}
          />
        </div>
        <p id={formatHint} className="text-xs text-muted">
          {formats.map((format) => `${formatNames[format]} ${formatHints[format]}`).join(' ')}
        </p>
      </div>
      <ChoiceField
        id={fieldId('consistency')}
        label="Consistency"
        choices={consistencies}
        names={consistencyNames}
        value={consistency}
        error={errorOf('consistency')}
        hint={consistencyHints[consistency]}
        onChoose={(chosen) => onChange({ consistency: chosen })}
      />
      <SelectField
        id={fieldId('ttlSeconds')}
        label="Keep the file for"
        value={String(draft.ttlSeconds)}
        error={errorOf('ttlSeconds')}
        onChange={({ target }) => onChange({ ttlSeconds: Number(target.value) })}
      >
        {ttlChoices(draft.ttlSeconds).map(({ seconds, label }) => (
          <option key={seconds} value={seconds}>
            {label}
          </option>
        ))}
      </SelectField>
    </>
  );
}

const formatHints: Record<ExportRequest['format'], string> = {
  csv: 'opens in spreadsheets and databases.',
  json: 'is one array of objects, for programs that read it whole.',
  ndjson: 'is one JSON object a line, for programs.',
  xlsx: 'is a workbook for spreadsheets, with dates and numbers as such.',
  parquet: 'keeps the types of the columns, for analysis.',
};

const consistencyHints: Record<ExportRequest['consistency'], string> = {
  snapshot: 'All rows as they were at the same moment.',
  resumable: 'Read in parts, each as of a moment of its own; an interruption costs one part.',
};
