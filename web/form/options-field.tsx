import { lazy, type ReactNode, useState } from 'react';
import type { Dataset } from '../../lib/contracts/sources.ts';
import { choicesOf } from '../exports/choices.ts';
import { describeCondition } from './conditions.ts';
import { DisclosureField } from './disclosure-field.tsx';
import { type Draft, type FieldName, normalizeDraft } from './draft.ts';

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
  'conditions',
  'order',
  'profile',
  'timeZone',
  'timeOffset',
  'csv',
  'parquetTypes',
];

/** Options that few exports need, below a button. While they are hidden, the button lists the options that are set. */
export function OptionsField(props: Props): ReactNode {
  const { draft, dataset, fieldId, errorOf } = props;
  const [open, setOpen] = useState(false);
  const id = fieldId('options');
  const set = setOptions(draft, dataset);
  const error = open
    ? undefined
    : optionFields.map(errorOf).find((message) => message !== undefined);
  return (
    <DisclosureField
      id={id}
      label="More options"
      summary={set.length > 0 ? `${set.length} set` : undefined}
      open={open}
      onToggle={() => setOpen(!open)}
      error={error}
      hint={open || set.length === 0 ? undefined : set.join(' · ')}
    >
      <MoreOptions {...props} />
    </DisclosureField>
  );
}

/** Returns the options that differ from the defaults, in words. */
function setOptions(draft: Draft, dataset: Dataset | undefined): string[] {
  const { profile, order, csv, parquetTypes, timeOffset } = normalizeDraft(draft);
  const { name, format, timeZone, conditions, kept } = draft;
  const choices = choicesOf({
    ...kept,
    format,
    profile,
    order,
    csv,
    parquetTypes,
    ...(timeOffset && { timeOffset }),
    ...(timeZone !== null && { timeZone }),
  });
  return [
    ...(name.trim() === '' ? [] : [`name: ${name.trim()}`]),
    ...conditions.map((condition) => describeCondition(condition, dataset)),
    ...choices
      .filter(({ term }) => term !== 'Times in the file' || timeZone !== null)
      .map(({ term, text }) => `${term.toLowerCase()}: ${text}`),
  ];
}
