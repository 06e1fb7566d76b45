import type { ReactNode } from 'react';
import type { ExportRequest } from '../../lib/contracts/export-request.ts';
import { formats } from '../../lib/contracts/format-capabilities.ts';
import { formatLabels } from '../exports/labels.ts';
import { useZone } from '../time/zone.ts';
import { describedBy, FieldError, labelClass } from '../ui/field.tsx';
import { type Draft, normalizeDraft } from './draft.ts';

interface Props {
  id: string;
  draft: Draft;
  onChange: (patch: Partial<Draft>) => void;
  error: string | undefined;
}

/** The formats side by side, as radio buttons; arrow keys move between them. */
export function FormatField({ id, draft, onChange, error }: Props): ReactNode {
  const zone = useZone();
  const isForSpreadsheets = normalizeDraft(draft).profile === 'spreadsheet';
  const timesIn = isForSpreadsheets ? (draft.timeZone ?? zone) : 'UTC';
  return (
    <fieldset id={id} tabIndex={-1} className="space-y-1 outline-none">
      <legend className={`${labelClass} mb-1`}>Format</legend>
      <div className="flex rounded-control border border-control p-0.5">
        {formats.map((format) => (
          <label
            key={format}
            className="relative grid min-h-7 flex-auto place-items-center rounded-[3px] px-1 text-sm has-checked:bg-accent has-checked:font-medium has-checked:text-on-accent not-has-checked:hover:bg-hover has-focus-visible:outline-2 has-focus-visible:outline-offset-2 has-focus-visible:outline-accent pointer-coarse:min-h-11"
          >
            <input
              type="radio"
              name={id}
              className="absolute inset-0 cursor-pointer appearance-none opacity-0"
              checked={draft.format === format}
              onChange={() => onChange({ format })}
              {...describedBy(id, error, formatHints[format])}
            />
            {formatLabels[format]}
          </label>
        ))}
      </div>
      <FieldError id={`${id}-error`} message={error} />
      <p id={`${id}-hint`} className="text-xs text-muted">
        {`${formatHints[draft.format]}; times in ${timesIn}.`}
      </p>
    </fieldset>
  );
}

const formatHints: Record<ExportRequest['format'], string> = {
  csv: 'For spreadsheets and databases',
  json: 'One array of objects',
  ndjson: 'One JSON object per line',
  xlsx: 'Real dates and numbers',
  parquet: 'Keeps the types, for analysis',
};
