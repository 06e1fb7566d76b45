import { type ReactNode, useState } from 'react';
import { Button } from './button.tsx';
import { CopyButton } from './copy-button.tsx';
import { Modal, ModalActions } from './modal.tsx';

interface Props {
  title: string;
  /** What the secret is: “key”. */
  what: string;
  secret: string;
  returnFocusTo: string;
  onClose: () => void;
}

/** Shows a secret, which the server cannot show again. Until it is copied, the dialog asks before it closes. */
export function SecretDialog({ title, what, secret, returnFocusTo, onClose }: Props): ReactNode {
  const [copied, setCopied] = useState(false);
  const [asking, setAsking] = useState(false);
  const close = copied ? onClose : () => setAsking(true);
  return (
    <>
      <Modal title={title} onClose={close} asksFirst returnFocusTo={returnFocusTo}>
        <p className="mt-2 mb-4 font-medium">Shown once. Store it now.</p>
        <code
          data-secret
          className="block rounded-card bg-surface p-3 font-mono text-sm break-all select-all"
        >
          {secret}
        </code>
        <ModalActions>
          <CopyButton
            what={what}
            text={secret}
            small={false}
            variant="primary"
            data-initial-focus
            onCopied={() => setCopied(true)}
          />
          <Button onClick={close}>Done</Button>
        </ModalActions>
      </Modal>
      {asking ? (
        <Modal title="Close without copying?" onClose={() => setAsking(false)}>
          <p className="mt-2 text-muted">{`StreamSync cannot show this ${what} again.`}</p>
          <ModalActions>
            <Button data-initial-focus onClick={() => setAsking(false)}>
              Keep it open
            </Button>
            <Button variant="danger" onClick={onClose}>
              Close without copying
            </Button>
          </ModalActions>
        </Modal>
      ) : null}
    </>
  );
}
