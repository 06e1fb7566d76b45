import { lazy, type ReactNode, Suspense } from 'react';
import type { Dataset, SourceList } from '../../lib/contracts/sources.ts';
import type { Option } from '../ui/combobox.tsx';
import { labelClass } from '../ui/field.tsx';
import { formatApproximateRows, formatExact } from '../ui/quantity.ts';
import { type Draft, emptyDraft, type FieldName } from './draft.ts';

const ComboBox = lazy(() => import('../ui/combobox.tsx'));

interface Props {
  /** Undefined while the list is loading. */
  sources: SourceList | undefined;
  draft: Draft;
  onChange: (patch: Partial<Draft>) => void;
  onOpen: () => void;
  fieldId: (field: FieldName) => string;
  errorOf: (field: FieldName) => string | undefined;
}

/** Longer names and messages need the whole width of the form. */
const maxSideBySide = { source: 9, dataset: 18 };

export function SourceFields(props: Props): ReactNode {
  const { sources, draft, onChange, onOpen, fieldId, errorOf } = props;
  const source = sources?.sources.find(({ name }) => name === draft.source);
  const sourceError = errorOf('source') ?? (source?.error && `${draft.source}: ${source.error}`);
  const datasetError = errorOf('dataset');
  const sourceWarning =
    source?.paused &&
    `Paused by an administrator: “${source.paused}”. New exports wait until the source is resumed.`;
  const datasetWarning =
    source?.datasetsLeftOut === undefined
      ? undefined
      : `${formatExact(source.datasetsLeftOut)} more datasets are not listed. Export them through the API.`;
  const isSideBySide =
    draft.source.length <= maxSideBySide.source &&
    draft.dataset.length <= maxSideBySide.dataset &&
    [sourceError, datasetError, sourceWarning, datasetWarning].every((text) => !text);
  const loadingText = sources ? undefined : 'Loading…';
  return (
    <div
      className={`grid items-start gap-3 ${isSideBySide ? 'grid-cols-[minmax(0,1fr)_minmax(0,1.4fr)]' : ''}`}
    >
      <Suspense fallback={<Placeholders />}>
        <ComboBox
          id={fieldId('source')}
          label="Source"
          placeholder="Choose"
          options={
            sources?.sources.map(
              ({ name, error, paused }): Option => ({
                id: name,
                name,
                ...(paused !== undefined && { detail: 'paused' }),
                ...(error !== undefined && { detail: 'does not answer', disabled: true }),
              }),
            ) ?? chosenOption(draft.source)
          }
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
          error={sourceError}
          warning={sourceWarning}
          empty={loadingText ?? 'No source of that name.'}
        />
        <ComboBox
          id={fieldId('dataset')}
          label="Dataset"
          placeholder={draft.source === '' ? 'Choose a source first' : 'Choose a dataset'}
          options={
            sources ? (source?.datasets ?? []).map(datasetOption) : chosenOption(draft.dataset)
          }
          value={draft.dataset}
          onChange={(name) =>
            onChange({ dataset: name, others: [], columns: null, conditions: [] })
          }
          onOpen={onOpen}
          error={datasetError}
          warning={datasetWarning}
          empty={loadingText ?? (source ? 'No dataset of that name.' : 'Choose a source first.')}
        />
      </Suspense>
    </div>
  );
}

/** While the list loads, the chosen name is the only option. */
const chosenOption = (name: string): Option[] => (name === '' ? [] : [{ id: name, name }]);

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
