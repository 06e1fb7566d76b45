import type { ReactNode } from 'react';
import type { ExportDocument } from '../../lib/contracts/export-document.ts';
import { useZone } from '../time/zone.ts';
import { Button } from '../ui/button.tsx';
import { Modal, ModalActions } from '../ui/modal.tsx';
import { formatApproximateRows } from '../ui/quantity.ts';
import { exportTitle, formatLabels } from './labels.ts';
import type { PollingState } from './polling-state.ts';

interface Confirmation {
  onClose: () => void;
  onConfirm: () => void;
}

export function CancelDialog({
  tracked: { document },
  onClose,
  onConfirm,
}: Confirmation & { tracked: PollingState }): ReactNode {
  const { rows } = document.progress;
  const zone = useZone();
  return (
    <Modal title={`Cancel ${exportTitle(document, zone)}?`} onClose={onClose}>
      <p className="mt-2 text-muted">
        {rows > 0
          ? `The ${formatApproximateRows(rows)} written so far are discarded.`
          : 'No rows were written so far.'}
      </p>
      <ModalActions>
        <Button data-initial-focus onClick={onClose}>
          {document.status === 'queued' ? 'Keep waiting' : 'Keep running'}
        </Button>
        <Confirm onClose={onClose} onConfirm={onConfirm}>
          Cancel export
        </Confirm>
      </ModalActions>
    </Modal>
  );
}

export function DeleteDialog({
  document,
  returnFocusTo,
  onClose,
  onConfirm,
}: Confirmation & { document: ExportDocument; returnFocusTo: string }): ReactNode {
  const hasFile = document.status === 'ready';
  const zone = useZone();
  return (
    <Modal
      title={`Delete ${exportTitle(document, zone)}?`}
      onClose={onClose}
      returnFocusTo={returnFocusTo}
    >
      <p className="mt-2 wrap-anywhere">
        {document.file?.name ?? formatLabels[document.request.format]}
      </p>
      <p className="mt-2 text-muted">
        {hasFile
          ? 'The file is removed now.'
          : 'The export has no file. It is removed from the list.'}
      </p>
      <ModalActions>
        <Button data-initial-focus onClick={onClose}>
          {hasFile ? 'Keep file' : 'Keep in list'}
        </Button>
        <Confirm onClose={onClose} onConfirm={onConfirm}>
          {hasFile ? 'Delete file' : 'Delete export'}
        </Confirm>
      </ModalActions>
    </Modal>
  );
}

function Confirm({
  onClose,
  onConfirm,
  children,
}: Confirmation & { children: ReactNode }): ReactNode {
  return (
    <Button
      variant="danger"
      onClick={() => {
        onConfirm();
        onClose();
      }}
    >
      {children}
    </Button>
  );
}
