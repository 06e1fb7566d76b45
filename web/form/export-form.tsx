import { useQuery } from '@tanstack/react-query';
import { type FormEvent, lazy, type ReactNode, Suspense, useId, useRef, useState } from 'react';
import { flushSync } from 'react-dom';
import { listSources, type NewExport } from '../api/calls.ts';
import { SignedOutError } from '../session/session.ts';
import { useZone } from '../time/zone.ts';
import { Button } from '../ui/button.tsx';
import { EmptyPanel, FailedPanel, Skeleton } from '../ui/panels.tsx';
import { ColumnsField } from './columns-field.tsx';
import { type Draft, datasetOf, type FieldName, type FormError, readDraft } from './draft.ts';
import { useDraft } from './draft-context.tsx';
import { ErrorSummary } from './error-summary.tsx';
import { EstimateLine } from './estimate-line.tsx';
import { FileFields } from './file-fields.tsx';
import { rememberChoices } from './last-choices.ts';
import { OptionsField } from './options-field.tsx';
import { OtherSources } from './other-sources.tsx';
import { errorsOf } from './problems.ts';
import { RangeFields } from './range-fields.tsx';
import { SourceFields } from './source-fields.tsx';
import { useCreate } from './use-create.ts';
import { useEstimate } from './use-estimate.ts';
import { useWholeDataset } from './whole-dataset.ts';

const PreviewDialog = lazy(() => import('./preview-dialog.tsx'));

interface Refusal {
  errors: readonly FormError[];
  reference: string | null;
}

const noRefusal: Refusal = { errors: [], reference: null };

export function ExportForm(): ReactNode {
  const sources = useQuery({
    queryKey: ['sources'],
    queryFn: ({ signal }) => listSources(signal),
    staleTime: 30_000,
  });
  const { draft, key, linkErrors, closeLink, change, renewKey } = useDraft();
  const zone = useZone();
  const [refused, setRefusal] = useState(noRefusal);
  const summary = useRef<HTMLDivElement>(null);
  const button = useRef<HTMLButtonElement>(null);
  const idPrefix = useId();
  const fieldId = (field: FieldName | 'estimate' | 'options'): string => `${idPrefix}-${field}`;
  const dataset = useWholeDataset(draft.source, datasetOf(draft, sources.data));
  const read = readDraft(draft, sources.data, zone);
  const estimated = useEstimate(read.request);
  // What is wrong with a link is said before anything is pressed.
  const refusal: Refusal =
    linkErrors && sources.data
      ? {
          errors: [...linkErrors, ...read.errors.filter((error) => isOfLink(draft, error))],
          reference: null,
        }
      : refused;
  const [previewed, setPreviewed] = useState<NewExport | null>(null);
  const fieldErrors = estimated.error
    ? errorsOf(estimated.error).errors.filter(({ field }) => field !== null)
    : [];
  const errorOf = (field: FieldName): string | undefined =>
    [...refusal.errors, ...fieldErrors].find((error) => error.field === field)?.message;
  const edit = (part: Partial<Draft>): void => {
    change(part);
    // What was changed is no longer what was refused.
    setRefusal({
      errors: refusal.errors.filter(({ field }) => field === null || !touches(part, field)),
      reference: refusal.reference,
    });
  };
  const create = useCreate(renewKey);

  const refuse = (next: Refusal): void => {
    flushSync(() => setRefusal(next));
    summary.current?.focus();
  };

  const take = (part: Partial<Draft>): void => {
    // What is sent has to be what the form then says.
    flushSync(() => edit(part));
    button.current?.focus();
    button.current?.form?.requestSubmit();
  };

  /** The request as it can be sent; else what is missing is said. */
  const accepted = (): NewExport | null => {
    closeLink();
    if (read.request) setRefusal(noRefusal);
    else refuse({ errors: read.errors, reference: null });
    return read.request;
  };

  const submit = (event: FormEvent): void => {
    event.preventDefault();
    if (create.isPending) return;
    const request = accepted();
    if (!request) return;
    create.mutate(
      { request, key },
      {
        onSuccess: () => rememberChoices(draft),
        onError: (error) => {
          if (!(error instanceof SignedOutError)) refuse(errorsOf(error));
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
      <ErrorSummary ref={summary} {...refusal} fieldId={fieldId} onOffer={take} />
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
          chosen={draft.columns}
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
      {/* Where the form is higher than the window, beside the list, its button stays in sight. */}
      <div className="lg:sticky lg:bottom-0 lg:-mx-6 lg:-mb-6 lg:rounded-b-card lg:border-t lg:border-line lg:bg-background lg:px-6 lg:pt-2 lg:pb-4">
        <EstimateLine id={fieldId('estimate')} fieldErrors={fieldErrors} {...estimated} />
        <div className="mt-2 flex gap-3">
          <Button onClick={() => setPreviewed(accepted())}>Preview 20 rows</Button>
          <Button
            ref={button}
            type="submit"
            variant="primary"
            className="flex-1"
            aria-describedby={fieldId('estimate')}
            busy={create.isPending}
            onClick={(event) => {
              // The second click of a double click: an answer may have come in between.
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

/** A link may leave something open; only what it says can be wrong. */
const isOfLink = (draft: Draft, { field }: FormError): boolean =>
  (field !== 'source' && field !== 'dataset') || draft[field] !== '';

const touches = (part: Partial<Draft>, field: FieldName): boolean =>
  field === 'from' || field === 'to' ? 'range' in part : field in part;
