import type { ReactNode } from 'react';
import type { ExportDocument } from '../../lib/contracts/export-document.ts';
import { Button } from '../ui/button.tsx';
import { Modal, ModalActions } from '../ui/modal.tsx';
import { formatApproximateRows } from '../ui/quantity.ts';
import { exportName } from './labels.ts';
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
  return (
    <Modal title={`Cancel ${exportName(document)}?`} onClose={onClose}>
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
  return (
    <Modal
      title={`Delete ${exportName(document)}?`}
      onClose={onClose}
      returnFocusTo={returnFocusTo}
    >
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
