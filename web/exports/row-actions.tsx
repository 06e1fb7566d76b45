import { lazy, type ReactNode, Suspense, useState } from 'react';
import { useNavigate } from 'react-router';
import { useDraft } from '../form/draft-context.tsx';
import { Button } from '../ui/button.tsx';
import { Icon } from '../ui/icons.tsx';
import { LazyMenu } from '../ui/menu-on-demand.tsx';
import { asCurl, asKafkaEvent } from './clipboard.ts';
import { CancelDialog, DeleteDialog } from './confirmations.tsx';
import { exportName } from './labels.ts';
import { isActive } from './newer-document.ts';
import type { PollingState } from './polling-state.ts';
import { retryButtonId, useActions } from './use-actions.ts';

const ManifestDialog = lazy(() => import('./manifest-dialog.tsx'));

type Open = 'cancel' | 'delete' | 'manifest' | null;

export function RowActions({ tracked }: { tracked: PollingState }): ReactNode {
  const { document } = tracked;
  const [open, setOpen] = useState<Open>(null);
  const { duplicate } = useDraft();
  const navigate = useNavigate();
  const actions = useActions(document);
  const name = exportName(document);
  const moreId = `more-${document.id}`;
  const close = (): void => setOpen(null);
  const fillForm = (): void => {
    duplicate(document.request);
    void navigate('/exports/new');
  };

  const isFetched = document.downloadedAt !== null || tracked.downloadStartedAt !== null;
  const retryLabel = document.status === 'expired' ? 'Export again' : 'Try again';

  const entries = [
    { label: 'Duplicate', detail: 'Opens the form with these choices', onAction: fillForm },
    ...(document.status === 'ready'
      ? [{ label: 'Manifest', onAction: () => setOpen('manifest') }]
      : []),
    { label: 'Copy as curl', onAction: () => actions.copy('curl', asCurl(document)) },
    {
      label: 'Copy as Kafka event',
      onAction: () => actions.copy('Kafka event', asKafkaEvent(document)),
    },
    ...(isActive(document)
      ? []
      : [{ label: 'Delete', danger: true, onAction: () => setOpen('delete') }]),
  ];

  return (
    <div className="flex items-center gap-2">
      {isActive(document) ? (
        <Button
          small
          aria-label={`Cancel ${name}`}
          busy={tracked.cancelling}
          onClick={(event) => {
            // Ignores the second click of a double click on the button that was here before.
            if (event.detail < 2) setOpen('cancel');
          }}
        >
          Cancel
        </Button>
      ) : document.status === 'ready' ? (
        <Button
          small
          variant={isFetched ? 'secondary' : 'primary'}
          busy={actions.downloading}
          aria-label={`${document.downloadedAt === null ? 'Download' : 'Download again'} ${name}`}
          onClick={actions.download}
        >
          <Icon name="down" />
          {document.downloadedAt === null ? 'Download' : 'Download again'}
        </Button>
      ) : (
        <Button
          small
          id={retryButtonId(document.id)}
          aria-label={`${retryLabel} ${name}`}
          busy={actions.retrying}
          onClick={actions.retry}
        >
          {retryLabel}
        </Button>
      )}
      <LazyMenu id={moreId} label={`More for ${name}`} entries={entries} />
      {open === 'cancel' ? (
        <CancelDialog tracked={tracked} onClose={close} onConfirm={actions.remove} />
      ) : null}
      {open === 'delete' ? (
        <DeleteDialog
          document={document}
          returnFocusTo={moreId}
          onClose={close}
          onConfirm={actions.remove}
        />
      ) : null}
      {open === 'manifest' ? (
        <Suspense>
          <ManifestDialog document={document} returnFocusTo={moreId} onClose={close} />
        </Suspense>
      ) : null}
    </div>
  );
}
