import { lazy, type ReactNode, Suspense } from 'react';
import type { Dataset, SourceList } from '../../lib/contracts/sources.ts';
import type { Option } from '../ui/combobox.tsx';
import { labelClass } from '../ui/field.tsx';
import { formatApproximateRows, formatExact } from '../ui/quantity.ts';
import { type Draft, emptyDraft, type FieldName } from './draft.ts';

const ComboBox = lazy(() => import('../ui/combobox.tsx'));

interface Props {
  sources: SourceList;
  draft: Draft;
  onChange: (patch: Partial<Draft>) => void;
  onOpen: () => void;
  fieldId: (field: FieldName) => string;
  errorOf: (field: FieldName) => string | undefined;
}

export function SourceFields(props: Props): ReactNode {
  const { sources, draft, onChange, onOpen, fieldId, errorOf } = props;
  const source = sources.sources.find(({ name }) => name === draft.source);
  return (
    <Suspense fallback={<Placeholders />}>
      <ComboBox
        id={fieldId('source')}
        label="Source"
        placeholder="Choose a source"
        options={sources.sources.map(
          ({ name, error, paused }): Option => ({
            id: name,
            name,
            ...(paused !== undefined && { detail: 'paused' }),
            ...(error !== undefined && { detail: 'does not answer', disabled: true }),
          }),
        )}
        value={draft.source}
        onChange={(name) =>
          onChange({
            source: name,
            others: [],
            dataset: '',
            columns: null,
            range: emptyDraft.range,
            conditions: [],
          })
        }
        onOpen={onOpen}
        error={errorOf('source') ?? (source?.error && `${draft.source}: ${source.error}`)}
        warning={
          source?.paused &&
          `Paused by an administrator: “${source.paused}”. New exports wait until the source is resumed.`
        }
        empty="No source of that name."
      />
      <ComboBox
        id={fieldId('dataset')}
        label="Dataset"
        placeholder={source ? 'Choose a dataset' : 'Choose a source first'}
        options={(source?.datasets ?? []).map(datasetOption)}
        value={draft.dataset}
        onChange={(name) => onChange({ dataset: name, others: [], columns: null, conditions: [] })}
        onOpen={onOpen}
        error={errorOf('dataset')}
        warning={
          source?.datasetsLeftOut === undefined
            ? undefined
            : `${formatExact(source.datasetsLeftOut)} more datasets are not listed. Export them through the API.`
        }
        empty={source ? 'No dataset of that name.' : 'Choose a source first.'}
      />
    </Suspense>
  );
}

const kindPrefixes: Record<Dataset['kind'], string> = {
  table: '',
  view: 'view, ',
  materialized_view: 'materialized view, ',
};

const datasetOption = ({ name, kind, estimatedRows, partitionOf }: Dataset): Option => ({
  id: name,
  name,
  detail: `${partitionOf === undefined ? kindPrefixes[kind] : `of ${partitionOf}, `}${formatApproximateRows(estimatedRows)}`,
});

/** Keeps the height of the two fields until their code is loaded. */
function Placeholders(): ReactNode {
  return ['Source', 'Dataset'].map((label) => (
    <div key={label} className="space-y-1">
      <span className={labelClass}>{label}</span>
      <div className="input" />
    </div>
  ));
}
