import type { ReactNode } from 'react';
import { Button } from '../ui/button.tsx';
import { Modal, ModalActions } from '../ui/modal.tsx';

interface Props {
  title: string;
  consequence: string;
  /** The label of the button that changes nothing. It has the focus. */
  keep: string;
  confirm: string;
  returnFocusTo?: string;
  onClose: () => void;
  onConfirm: () => void;
  /** What is cancelled or deleted. */
  children: ReactNode;
}

/** Asks before exports are cancelled or deleted. */
export function RemovalDialog(props: Props): ReactNode {
  const { title, consequence, keep, confirm, returnFocusTo, onClose, onConfirm, children } = props;
  return (
    <Modal title={title} onClose={onClose} {...(returnFocusTo !== undefined && { returnFocusTo })}>
      {children}
      <p className="mt-2 text-muted">{consequence}</p>
      <ModalActions>
        <Button data-initial-focus onClick={onClose}>
          {keep}
        </Button>
        <Button
          variant="danger"
          onClick={() => {
            onConfirm();
            onClose();
          }}
        >
          {confirm}
        </Button>
      </ModalActions>
    </Modal>
  );
}
