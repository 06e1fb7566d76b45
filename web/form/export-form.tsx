import { useQuery } from '@tanstack/react-query';
import { type FormEvent, lazy, type ReactNode, Suspense, useId, useRef, useState } from 'react';
import { flushSync } from 'react-dom';
import { type NewExport } from '../api/calls.ts';
import { sourcesQuery } from '../api/sources-query.ts';
import { SignedOutError } from '../session/session.ts';
import { useZone } from '../time/zone.ts';
import { Button } from '../ui/button.tsx';
import { EmptyPanel, FailedPanel, Skeleton } from '../ui/panels.tsx';
import { errorsOf } from './api-errors.ts';
import { ColumnsField } from './columns-field.tsx';
import { type Draft, datasetOf, type FieldName, type FormError, readDraft } from './draft.ts';
import { useDraft } from './draft-context.tsx';
import { ErrorSummary } from './error-summary.tsx';
import { EstimateLine } from './estimate-line.tsx';
import { FileFields } from './file-fields.tsx';
import { rememberChoices } from './last-choices.ts';
import { OptionsField } from './options-field.tsx';
import { OtherSources } from './other-sources.tsx';
import { RangeFields } from './range-fields.tsx';
import { SourceFields } from './source-fields.tsx';
import { useCreate } from './use-create.ts';
import { useEstimate } from './use-estimate.ts';
import { useFullDataset } from './whole-dataset.ts';

const PreviewDialog = lazy(() => import('./preview-dialog.tsx'));

interface FormProblem {
  errors: readonly FormError[];
  reference: string | null;
}

const noProblem: FormProblem = { errors: [], reference: null };

export function ExportForm(): ReactNode {
  const sources = useQuery(sourcesQuery);
  const { draft, key, linkErrors, closeLink, change, renewKey } = useDraft();
  const zone = useZone();
  const [submitProblem, setProblem] = useState(noProblem);
  const summary = useRef<HTMLDivElement>(null);
  const button = useRef<HTMLButtonElement>(null);
  const idPrefix = useId();
  const fieldId = (field: FieldName | 'estimate' | 'options'): string => `${idPrefix}-${field}`;
  const dataset = useFullDataset(draft.source, datasetOf(draft, sources.data));
  const result = readDraft(draft, sources.data, zone);
  const estimation = useEstimate(result.request);
  // Errors of a link are shown before the first press.
  const problem: FormProblem =
    linkErrors && sources.data
      ? {
          errors: [...linkErrors, ...result.errors.filter((error) => isOfLink(draft, error))],
          reference: null,
        }
      : submitProblem;
  const [previewed, setPreviewed] = useState<NewExport | null>(null);
  const fieldErrors = estimation.error
    ? errorsOf(estimation.error).errors.filter(({ field }) => field !== null)
    : [];
  const errorOf = (field: FieldName): string | undefined =>
    [...problem.errors, ...fieldErrors].find((error) => error.field === field)?.message;
  const edit = (patch: Partial<Draft>): void => {
    change(patch);
    // The error of a field goes when the field changes.
    setProblem({
      errors: problem.errors.filter(({ field }) => field === null || !touches(patch, field)),
      reference: problem.reference,
    });
  };
  const create = useCreate(renewKey);

  const showProblem = (next: FormProblem): void => {
    flushSync(() => setProblem(next));
    summary.current?.focus();
  };

  const applyOffer = (patch: Partial<Draft>): void => {
    // The form has to show the patch before it is sent.
    flushSync(() => edit(patch));
    button.current?.focus();
    button.current?.form?.requestSubmit();
  };

  /** Returns the request, or shows the errors and returns null. */
  const validRequest = (): NewExport | null => {
    closeLink();
    if (result.request) setProblem(noProblem);
    else showProblem({ errors: result.errors, reference: null });
    return result.request;
  };

  const submit = (event: FormEvent): void => {
    event.preventDefault();
    if (create.isPending) return;
    const request = validRequest();
    if (!request) return;
    create.mutate(
      { request, key },
      {
        onSuccess: () => rememberChoices(draft),
        onError: (error) => {
          if (!(error instanceof SignedOutError)) showProblem(errorsOf(error));
        },
      },
    );
  };

  if (!sources.data)
    return sources.error ? (
      <FailedPanel what="sources" error={sources.error} onRetry={() => void sources.refetch()} />
    ) : (
      <Skeleton label="Loading sources" rows={5} />
    );
  if (sources.data.sources.length === 0)
    return <EmptyPanel>No sources are shared with you yet. Ask an administrator.</EmptyPanel>;

  return (
    <form noValidate onSubmit={submit} aria-label="New export" className="space-y-4">
      <ErrorSummary ref={summary} {...problem} fieldId={fieldId} onOffer={applyOffer} />
      <SourceFields
        sources={sources.data}
        draft={draft}
        onChange={edit}
        onOpen={() => {
          if (sources.isStale) void sources.refetch();
        }}
        fieldId={fieldId}
        errorOf={errorOf}
      />
      <OtherSources id={fieldId('others')} sources={sources.data} draft={draft} onChange={edit} />
      {dataset ? (
        <ColumnsField
          key={`${draft.source} ${draft.dataset}`}
          id={fieldId('columns')}
          dataset={dataset}
          value={draft.columns}
          onChange={(columns) => edit({ columns })}
          error={errorOf('columns')}
        />
      ) : null}
      <RangeFields
        source={draft.source}
        dataset={dataset}
        range={draft.range}
        onChange={(range) => edit({ range })}
        fieldId={fieldId}
        errorOf={errorOf}
      />
      <FileFields draft={draft} onChange={edit} fieldId={fieldId} errorOf={errorOf} />
      <OptionsField
        draft={draft}
        dataset={dataset}
        onChange={edit}
        fieldId={fieldId}
        errorOf={errorOf}
      />
      {/* On wide pages the buttons stay visible if the form is higher than the window. */}
      <div className="lg:sticky lg:bottom-0 lg:-mx-6 lg:-mb-6 lg:rounded-b-card lg:border-t lg:border-line lg:bg-background lg:px-6 lg:pt-2 lg:pb-4">
        <EstimateLine id={fieldId('estimate')} fieldErrors={fieldErrors} {...estimation} />
        <div className="mt-2 flex gap-3">
          <Button onClick={() => setPreviewed(validRequest())}>Preview 20 rows</Button>
          <Button
            ref={button}
            type="submit"
            variant="primary"
            className="flex-1"
            aria-describedby={fieldId('estimate')}
            busy={create.isPending}
            onClick={(event) => {
              // Ignores the second click of a double click: the answer to the first may have arrived.
              if (event.detail > 1) event.preventDefault();
            }}
          >
            {create.isPending ? 'Sending…' : 'Export'}
          </Button>
        </div>
      </div>
      {previewed ? (
        <Suspense>
          <PreviewDialog request={previewed} onClose={() => setPreviewed(null)} />
        </Suspense>
      ) : null}
    </form>
  );
}

/** A link may omit the source and the dataset; that is not an error of the link. */
const isOfLink = (draft: Draft, { field }: FormError): boolean =>
  (field !== 'source' && field !== 'dataset') || draft[field] !== '';

const touches = (patch: Partial<Draft>, field: FieldName): boolean =>
  field === 'from' || field === 'to' ? 'range' in patch : field in patch;
