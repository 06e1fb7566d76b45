import { lazy, type ReactNode, Suspense, useState } from 'react';
import { useNavigate } from 'react-router';
import { useDraft } from '../form/draft-context.tsx';
import { Button } from '../ui/button.tsx';
import { Icon } from '../ui/icons.tsx';
import { MenuOnDemand } from '../ui/menu-on-demand.tsx';
import { asCurl, asKafkaEvent } from './clipboard.ts';
import { CancelDialog, DeleteDialog } from './confirmations.tsx';
import { exportName } from './names.ts';
import { isActive, type Tracked } from './tracked.ts';
import { againId, useActions } from './use-actions.ts';

const ManifestDialog = lazy(() => import('./manifest-dialog.tsx'));

type Open = 'cancel' | 'delete' | 'manifest' | null;

export function RowActions({ tracked }: { tracked: Tracked }): ReactNode {
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

  const again = document.status === 'expired' ? 'Export again' : 'Try again';

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
            // Not the second click of a double click on what stood here before.
            if (event.detail < 2) setOpen('cancel');
          }}
        >
          Cancel
        </Button>
      ) : document.status === 'ready' ? (
        <Button
          small
          variant={document.downloadedAt === null ? 'primary' : 'secondary'}
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
          id={againId(document.id)}
          aria-label={`${again} ${name}`}
          busy={actions.retrying}
          onClick={actions.retry}
        >
          {again}
        </Button>
      )}
      <MenuOnDemand id={moreId} label={`More for ${name}`} entries={entries} />
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
