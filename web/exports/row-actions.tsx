import { lazy, type ReactNode, Suspense, useState } from 'react';
import { useNavigate } from 'react-router';
import type { Code } from '../../lib/contracts/codes.ts';
import type { ExportDocument } from '../../lib/contracts/export-document.ts';
import { useDraft } from '../form/draft-context.tsx';
import { Button } from '../ui/button.tsx';
import { LazyMenu } from '../ui/menu-on-demand.tsx';
import { asCurl, asKafkaEvent } from './clipboard.ts';
import { exportName } from './labels.ts';
import { isActive } from './newer-document.ts';
import type { PollingState } from './polling-state.ts';
import { retryButtonId, useExportActions } from './use-actions.ts';

const ManifestDialog = lazy(() => import('./manifest-dialog.tsx'));
const ConfirmationDialog = lazy(() => import('./confirmation-dialog.tsx'));

type Open = 'remove' | 'manifest' | null;

/** Errors that another run would end with again: the request has to change. */
const errorsOfRequest = new Set<string>([
  'cell_too_long',
  'unsuitable_value',
  'over_limit',
  'too_large_for_snapshot',
  'invalid_request',
] satisfies Code[]);

export function RowActions({ tracked }: { tracked: PollingState }): ReactNode {
  const { document } = tracked;
  const [open, setOpen] = useState<Open>(null);
  const [busy, setBusy] = useState(false);
  const { duplicate } = useDraft();
  const navigate = useNavigate();
  const actions = useExportActions();
  const name = exportName(document);
  const moreId = `more-${document.id}`;
  const close = (): void => setOpen(null);
  const fillForm = (): void => {
    duplicate(document.request);
    void navigate('/exports/new');
  };
  const run = (action: (of: typeof document) => Promise<boolean>): void => {
    setBusy(true);
    void action(document).finally(() => setBusy(false));
  };
  const remove = (): void => run(actions.remove);

  const retryLabel = document.status === 'expired' ? 'Export again' : 'Try again';
  const mustChange = document.error !== null && errorsOfRequest.has(document.error.code);

  const entries = [
    { label: 'Duplicate', detail: 'Opens the form with these choices', onAction: fillForm },
    ...(document.status === 'ready'
      ? [{ label: 'Manifest', onAction: () => setOpen('manifest') }]
      : []),
    ...(mustChange ? [{ label: retryLabel, onAction: () => run(actions.retry) }] : []),
    { label: 'Copy link', onAction: () => actions.copy(document, 'link', linkTo(document)) },
    { label: 'Copy as curl', onAction: () => actions.copy(document, 'curl', asCurl(document)) },
    {
      label: 'Copy as Kafka event',
      onAction: () => actions.copy(document, 'Kafka event', asKafkaEvent(document)),
    },
    ...(isActive(document)
      ? []
      : [{ label: 'Delete', danger: true, onAction: () => setOpen('remove') }]),
  ];

  return (
    <div className="flex items-center justify-end gap-1">
      {isActive(document) ? (
        <Button
          small
          aria-label={`Cancel ${name}`}
          busy={tracked.cancelling}
          onClick={(event) => {
            // Ignores the second click of a double click on the button that was here before.
            if (event.detail < 2) setOpen('remove');
          }}
        >
          Cancel
        </Button>
      ) : document.status === 'ready' ? (
        <Button
          small
          variant={tracked.arrived ? 'primary' : 'accent'}
          busy={busy}
          aria-label={`${document.downloadedAt === null ? 'Download' : 'Download again'} ${name}`}
          onClick={() => run(actions.download)}
        >
          Download
        </Button>
      ) : mustChange ? (
        <Button small aria-label={`Change and export ${name}`} onClick={fillForm}>
          Change
        </Button>
      ) : (
        <Button
          small
          id={retryButtonId(document.id)}
          aria-label={`${retryLabel} ${name}`}
          busy={busy}
          onClick={() => run(actions.retry)}
        >
          {retryLabel}
        </Button>
      )}
      <LazyMenu id={moreId} label={`More for ${name}`} entries={entries} />
      {open === 'remove' ? (
        <Suspense>
          <ConfirmationDialog
            document={document}
            returnFocusTo={moreId}
            onClose={close}
            onConfirm={remove}
          />
        </Suspense>
      ) : null}
      {open === 'manifest' ? (
        <Suspense>
          <ManifestDialog document={document} returnFocusTo={moreId} onClose={close} />
        </Suspense>
      ) : null}
    </div>
  );
}

const linkTo = ({ id }: ExportDocument): string => `${location.origin}/exports/${id}`;
