import type { ReactNode } from 'react';
import type { ExportRequest } from '../../lib/contracts/export-request.ts';
import { capabilitiesOf, formats } from '../../lib/contracts/format-capabilities.ts';
import { compressionLabels, consistencyLabels, formatLabels } from '../exports/labels.ts';
import { SelectField } from '../ui/field.tsx';
import { ChoiceField } from './choice-field.tsx';
import { type Draft, type FieldName, normalizeDraft } from './draft.ts';
import { ttlChoices } from './ttl-choices.ts';

interface Props {
  draft: Draft;
  onChange: (patch: Partial<Draft>) => void;
  fieldId: (field: FieldName) => string;
  errorOf: (field: FieldName) => string | undefined;
}

/** The fields for format, compression, consistency and time to live. */
export function FileFields({ draft, onChange, fieldId, errorOf }: Props): ReactNode {
  const { compressions, consistencies } = capabilitiesOf(draft.format);
  const { compression, consistency } = normalizeDraft(draft);
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
            names={formatLabels}
            value={draft.format}
            error={errorOf('format')}
            onChoose={(format) => onChange({ format })}
          />
          <ChoiceField
            id={fieldId('compression')}
            label="Compression"
            choices={compressions}
            names={compressionLabels}
            value={compression}
            error={errorOf('compression')}
            onChoose={(chosen) => onChange({ compression: chosen })}
          />
        </div>
        <p id={formatHint} className="text-xs text-muted">
          {formats.map((format) => `${formatLabels[format]} ${formatHints[format]}`).join(' ')}
        </p>
      </div>
      <ChoiceField
        id={fieldId('consistency')}
        label="Rows as of"
        choices={consistencies}
        names={consistencyLabels}
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
  ndjson: 'is one JSON object per line, for programs.',
  xlsx: 'is a workbook for spreadsheets, with real dates and numbers.',
  parquet: 'keeps the types of the columns, for analysis.',
};

const consistencyHints: Record<ExportRequest['consistency'], string> = {
  snapshot: 'All rows as they were at the same moment.',
  resumable:
    'Read in parts, one after the other. Rows may change between parts; if something breaks, only one part is repeated.',
};
