import { lazy, type ReactNode, useState } from 'react';
import { capabilitiesOf } from '../../lib/contracts/format-capabilities.ts';
import type { Dataset } from '../../lib/contracts/sources.ts';
import { choicesOf } from '../exports/choices.ts';
import { compressionLabels } from '../exports/labels.ts';
import { duration } from '../ui/quantity.ts';
import { DisclosureField } from './disclosure-field.tsx';
import { type Draft, type FieldName, normalizeDraft } from './draft.ts';
import { defaults } from './request-options.ts';

const MoreOptions = lazy(() => import('./more-options.tsx'));

interface Props {
  draft: Draft;
  dataset: Dataset | undefined;
  onChange: (patch: Partial<Draft>) => void;
  fieldId: (field: FieldName | 'options') => string;
  errorOf: (field: FieldName) => string | undefined;
}

/** The fields inside. While they are hidden, their first error stands below the button. */
const optionFields: readonly FieldName[] = [
  'name',
  'compression',
  'ttlSeconds',
  'consistency',
  'order',
  'profile',
  'timeZone',
  'timeOffset',
  'csv',
  'parquetTypes',
];

/** Options that few exports need, below a button that lists those that differ from the defaults. */
export function OptionsField(props: Props): ReactNode {
  const { draft, fieldId, errorOf } = props;
  const [open, setOpen] = useState(false);
  const error = open
    ? undefined
    : optionFields.map(errorOf).find((message) => message !== undefined);
  return (
    <DisclosureField
      id={fieldId('options')}
      label="More options"
      summary={setOptions(draft).join(' · ')}
      open={open}
      onToggle={() => setOpen(!open)}
      error={error}
    >
      <MoreOptions {...props} />
    </DisclosureField>
  );
}

/** Returns the options that differ from the defaults, in words. */
function setOptions(draft: Draft): string[] {
  const { compression, consistency, profile, order, ...own } = normalizeDraft(draft);
  const { csv, parquetTypes, timeOffset } = own;
  const { name, format, timeZone, ttlSeconds, kept } = draft;
  const choices = choicesOf({
    ...kept,
    format,
    profile,
    csv,
    parquetTypes,
    ...(timeOffset && { timeOffset }),
    ...(timeZone !== null && { timeZone }),
  });
  const isDefaultCompression = compression === capabilitiesOf(format).defaults.compression;
  return [
    ...(name.trim() === '' ? [] : [`“${name.trim()}”`]),
    ...(isDefaultCompression
      ? []
      : [compression === 'none' ? 'not compressed' : compressionLabels[compression]]),
    ...(ttlSeconds === defaults.ttlSeconds ? [] : [duration(ttlSeconds)]),
    ...(consistency === 'resumable' ? ['several moments'] : []),
    ...(order === 'time' ? ['by time'] : []),
    ...choices
      .filter(({ term }) => term !== 'Times in the file' || timeZone !== null)
      .map(({ term, text }) => `${term.toLowerCase()}: ${text}`),
  ];
}
