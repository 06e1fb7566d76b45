import { onlineManager, useQuery } from '@tanstack/react-query';
import { type FormEvent, lazy, type ReactNode, Suspense, useId, useRef, useState } from 'react';
import { flushSync } from 'react-dom';
import type { SourceList } from '../../lib/contracts/sources.ts';
import type { NewExport } from '../api/calls.ts';
import { sourcesQuery } from '../api/sources-query.ts';
import { SignedOutError } from '../session/session.ts';
import { outsideText } from '../time/outside.ts';
import { readRange } from '../time/range.ts';
import { useZone } from '../time/zone.ts';
import { Button } from '../ui/button.tsx';
import { EmptyPanel, FailedPanel } from '../ui/panels.tsx';
import { errorsOf } from './api-errors.ts';
import { ColumnsField } from './columns-field.tsx';
import { ConditionsDisclosure } from './conditions-disclosure.tsx';
import { type Draft, datasetOf, type FieldName, type FormError, readDraft } from './draft.ts';
import { useDraft } from './draft-context.tsx';
import { ErrorSummary } from './error-summary.tsx';
import { EstimateLine } from './estimate-line.tsx';
import { FormatField } from './format-field.tsx';
import { rememberChoices } from './last-choices.ts';
import { OptionsField } from './options-field.tsx';
import { RangeField } from './range-field.tsx';
import { SourceFields } from './source-fields.tsx';
import { useCreate } from './use-create.ts';
import { useEstimate } from './use-estimate.ts';
import { useFullDataset } from './whole-dataset.ts';

const OtherSources = lazy(() => import('./other-sources.tsx'));
const PreviewDialog = lazy(() => import('./preview-dialog.tsx'));

interface FormProblem {
  errors: readonly FormError[];
  reference: string | null;
}

const offline =
  'You are offline. Nothing was sent, and nothing will be sent by itself. Your choices are kept.';

const noProblem: FormProblem = { errors: [], reference: null };

export function ExportForm(): ReactNode {
  const sources = useQuery(sourcesQuery);
  const { draft, key, linkErrors, closeLink, change, renewKey } = useDraft();
  const zone = useZone();
  const [submitProblem, setProblem] = useState(noProblem);
  const summary = useRef<HTMLDivElement>(null);
  const button = useRef<HTMLButtonElement>(null);
  const idPrefix = useId();
  const fieldId = (
    field: FieldName | 'estimate' | 'options' | 'range' | 'conditions-button',
  ): string => `${idPrefix}-${field}`;
  const dataset = useFullDataset(draft.source, datasetOf(draft, sources.data));
  const otherNames = otherSources(draft, sources.data);
  const result = readDraft(draft, sources.data, zone);
  const estimation = useEstimate(result.request);
  const { earliest = null, latest = null } = dataset ?? {};
  const outside = outsideText(readRange(draft.range, zone), { earliest, latest }, zone);
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
    if (!onlineManager.isOnline()) {
      showProblem({ errors: [{ field: null, message: offline }], reference: null });
      return null;
    }
    if (result.request) setProblem(noProblem);
    else showProblem({ errors: result.errors, reference: null });
    return result.request;
  };

  const submit = (event: FormEvent): void => {
    event.preventDefault();
    if (create.isPending || !sources.data) return;
    const request = validRequest();
    if (request) send(request);
  };

  const send = (request: NewExport): void => {
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

  if (!sources.data && sources.error)
    return (
      <FailedPanel what="sources" error={sources.error} onRetry={() => void sources.refetch()} />
    );
  if (sources.data?.sources.length === 0)
    return <EmptyPanel>No sources are shared with you yet. Ask an administrator.</EmptyPanel>;

  return (
    <form noValidate onSubmit={submit} aria-label="New export" className="space-y-3">
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
      {otherNames.length > 0 ? (
        <Suspense>
          <OtherSources id={fieldId('others')} names={otherNames} draft={draft} onChange={edit} />
        </Suspense>
      ) : null}
      <div className="divide-y divide-line border-y border-line">
        <ColumnsField
          key={`${draft.source} ${draft.dataset}`}
          id={fieldId('columns')}
          dataset={dataset}
          value={draft.columns}
          onChange={(columns) => edit({ columns })}
          error={errorOf('columns')}
        />
        <ConditionsDisclosure
          id={fieldId('conditions')}
          buttonId={fieldId('conditions-button')}
          dataset={dataset}
          value={draft.conditions}
          onChange={(conditions) => edit({ conditions })}
          error={errorOf('conditions')}
        />
      </div>
      <RangeField
        source={draft.source}
        dataset={dataset}
        hasConditions={draft.conditions.length > 0}
        range={draft.range}
        onChange={(range) => edit({ range })}
        fieldId={fieldId}
        errorOf={errorOf}
      />
      <FormatField id={fieldId('format')} draft={draft} onChange={edit} error={errorOf('format')} />
      <div className="border-t border-line">
        <OptionsField
          draft={draft}
          dataset={dataset}
          onChange={edit}
          fieldId={fieldId}
          errorOf={errorOf}
        />
      </div>
      {/* The buttons stay visible if the form is higher than the window. */}
      <div className="sticky bottom-0 z-1 -mx-4 border-t border-line bg-background px-4 pt-2 pb-3 lg:-mx-5 lg:-mb-5 lg:rounded-b-card lg:px-5 lg:pb-4">
        <EstimateLine
          id={fieldId('estimate')}
          fieldErrors={fieldErrors}
          draftErrors={dataset ? result.errors : []}
          outside={outside}
          {...estimation}
        />
        <div className="mt-2 flex gap-3">
          <Button
            aria-label="Preview 20 rows"
            busy={!sources.data}
            onClick={() => setPreviewed(validRequest())}
          >
            Preview
          </Button>
          <Button
            ref={button}
            type="submit"
            variant="primary"
            className="flex-1"
            aria-describedby={fieldId('estimate')}
            busy={create.isPending || !sources.data}
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
          <PreviewDialog
            request={previewed}
            onClose={() => setPreviewed(null)}
            onExport={() => {
              setPreviewed(null);
              send(previewed);
            }}
          />
        </Suspense>
      ) : null}
    </form>
  );
}

/** Returns the other sources that have the dataset, and those that the draft names. */
const otherSources = ({ source, others, dataset }: Draft, list: SourceList | undefined): string[] =>
  (list?.sources ?? [])
    .filter(
      ({ name, datasets }) =>
        name !== source &&
        (others.includes(name) || datasets.some((listed) => listed.name === dataset)),
    )
    .map(({ name }) => name);

/** A link may omit the source and the dataset; that is not an error of the link. */
const isOfLink = (draft: Draft, { field }: FormError): boolean =>
  (field !== 'source' && field !== 'dataset') || draft[field] !== '';

const touches = (patch: Partial<Draft>, field: FieldName): boolean =>
  field === 'from' || field === 'to' ? 'range' in patch : field in patch;
