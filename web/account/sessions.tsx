import { useQueryClient } from '@tanstack/react-query';
import { type ReactNode, useState } from 'react';
import { signOut } from '../session/session.ts';
import { Button } from '../ui/button.tsx';
import { FailureNote } from '../ui/failure-note.tsx';
import { Modal, ModalActions } from '../ui/modal.tsx';
import { useAction } from '../ui/use-action.ts';
import { endSessions } from './calls.ts';
import { Section } from './section.tsx';

export function Sessions(): ReactNode {
  const [asking, setAsking] = useState(false);
  return (
    <Section id="sessions" title="Sessions">
      <p className="text-muted">
        Ends every session of this account. Keys stay valid until they expire or are revoked.
      </p>
      <Button onClick={() => setAsking(true)}>Sign out everywhere</Button>
      {asking ? <SignOutDialog onClose={() => setAsking(false)} /> : null}
    </Section>
  );
}

function SignOutDialog({ onClose }: { onClose: () => void }): ReactNode {
  const queries = useQueryClient();
  const { start, busy, failure } = useAction(endSessions, {
    done: () => {
      signOut();
      queries.clear();
      return null;
    },
  });
  return (
    <Modal title="Sign out everywhere?" onClose={onClose}>
      <p className="mt-2 mb-4 text-muted">This browser too.</p>
      <FailureNote failure={failure} />
      <ModalActions>
        <Button data-initial-focus onClick={onClose}>
          Stay
        </Button>
        <Button variant="danger" busy={busy} onClick={() => start(undefined)}>
          Sign out everywhere
        </Button>
      </ModalActions>
    </Modal>
  );
}
