import { useQueryClient } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { useNavigate } from 'react-router';
import { TextButton } from '../ui/button.tsx';
import { Modal } from '../ui/modal.tsx';
import { type SignedIn, signIn, signOut } from './session.ts';
import { SignInForm } from './sign-in-form.tsx';

/** Lies over the page, which stays as it is; the calls that were refused go on after the sign-in. */
export function SessionEnded({ email }: { email: string }): ReactNode {
  const queries = useQueryClient();
  const navigate = useNavigate();

  const resume = (session: SignedIn): void => {
    if (session.email.toLowerCase() !== email.toLowerCase()) {
      // Somebody else: nothing of the former account may stay on the page.
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
