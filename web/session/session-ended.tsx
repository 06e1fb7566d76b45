import { useQueryClient } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { useNavigate } from 'react-router';
import { TextButton } from '../ui/button.tsx';
import { Modal } from '../ui/modal.tsx';
import { type SignedIn, signIn, signOut } from './session.ts';
import { SignInForm } from './sign-in-form.tsx';

/** A dialog over the page, which keeps its state. The calls that failed with 401 are repeated after the sign-in. */
export function SessionEnded({ email }: { email: string }): ReactNode {
  const queries = useQueryClient();
  const navigate = useNavigate();

  const resume = (session: SignedIn): void => {
    if (session.email.toLowerCase() !== email.toLowerCase()) {
      // Another account: the page must not keep data of the previous account.
      signOut();
      queries.clear();
      void navigate('/exports');
    }
    signIn(session);
  };

  return (
    <Modal title="Your session ended. Sign in to continue." onClose={null}>
      <p className="mt-2 mb-4 text-muted">What you entered is kept.</p>
      <SignInForm email={email} onSignedIn={resume} />
      <TextButton
        className="mt-4"
        onClick={() => {
          signOut();
          queries.clear();
        }}
      >
        Sign out
      </TextButton>
    </Modal>
  );
}
