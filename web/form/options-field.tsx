import { lazy, type ReactNode, Suspense, useState } from 'react';
import type { Dataset } from '../../lib/contracts/sources.ts';
import { choicesOf } from '../exports/choices.ts';
import { described, FieldError } from '../ui/field.tsx';
import { Icon } from '../ui/icons.tsx';
import { inWords } from './conditions.ts';
import { type Draft, type FieldName, fitted } from './draft.ts';

const MoreOptions = lazy(() => import('./more-options.tsx'));

interface Props {
  draft: Draft;
  dataset: Dataset | undefined;
  onChange: (part: Partial<Draft>) => void;
  fieldId: (field: FieldName | 'options') => string;
  errorOf: (field: FieldName) => string | undefined;
}

/** The fields behind it, whose errors stand beside the button while they are not shown. */
const behind: readonly FieldName[] = [
  'conditions',
  'order',
  'profile',
  'timeZone',
  'timeOffset',
  'csv',
  'parquetTypes',
];

/** What few exports need, behind a button that says what of it is set: none of it is ever out of sight. */
export function OptionsField(props: Props): ReactNode {
  const { draft, dataset, fieldId, errorOf } = props;
  const [open, setOpen] = useState(false);
  const id = fieldId('options');
  const set = setOptions(draft, dataset);
  const hint = open || set.length === 0 ? undefined : set.join(' · ');
  const error = open ? undefined : behind.map(errorOf).find((message) => message !== undefined);
  return (
    <div className="space-y-1">
      <button
        type="button"
        id={id}
        aria-expanded={open}
        aria-controls={`${id}-list`}
        onClick={() => setOpen(!open)}
        className="input flex items-center justify-between gap-2 text-left"
        {...described(id, error, hint)}
      >
        <span>
          More options{' '}
          {set.length > 0 ? <span className="text-muted">{`${set.length} set`}</span> : null}
        </span>
        <Icon name="chevron" className={`text-muted ${open ? 'rotate-180' : ''}`} />
      </button>
      <FieldError id={`${id}-error`} message={error} />
      {hint ? (
        <p id={`${id}-hint`} className="text-xs text-muted wrap-anywhere">
          {hint}
        </p>
      ) : null}
      <div id={`${id}-list`} hidden={!open} className="rounded-card border border-line p-3">
        {open ? (
          <Suspense fallback={<p className="text-muted">Loading…</p>}>
            <MoreOptions {...props} />
          </Suspense>
        ) : null}
      </div>
    </div>
  );
}

/** Returns in words what is not as usual, of what stands behind the button. */
function setOptions(draft: Draft, dataset: Dataset | undefined): string[] {
  const { profile, order, csv, parquetTypes, timeOffset } = fitted(draft);
  const { format, timeZone, conditions, kept } = draft;
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
    ...conditions.map((condition) => inWords(condition, dataset)),
    ...choices
      .filter(({ term }) => term !== 'Times in the file' || timeZone !== null)
      .map(({ term, text }) => `${term.toLowerCase()}: ${text}`),
  ];
}
