import { useQueryClient } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { useNavigate } from 'react-router';
import { call } from '../api/client.ts';
import { signOut } from '../session/session.ts';
import { Button, ButtonLink } from '../ui/button.tsx';
import { ThemeChoice } from './theme-choice.tsx';

/** The content of the account's menu: the theme, the way to the account, and the sign-out. */
export default function AccountMenu({
  email,
  onNavigate,
}: {
  email: string;
  onNavigate: () => void;
}): ReactNode {
  return (
    <>
      <ThemeChoice />
      <div className="border-t border-line pt-4">
        <p className="text-xs text-muted">Signed in as</p>
        <p className="font-medium wrap-anywhere">{email}</p>
        <ButtonLink to="/account" className="mt-3 w-full" onClick={onNavigate}>
          Account
        </ButtonLink>
        <SignOut />
      </div>
    </>
  );
}

function SignOut(): ReactNode {
  const queries = useQueryClient();
  const navigate = useNavigate();
  return (
    <Button
      className="mt-3 w-full"
      onClick={() => {
        // If it fails, the session still ends by itself when it expires.
        call('/sessions/current', { method: 'DELETE' }).catch(() => undefined);
        signOut();
        queries.clear();
        void navigate('/exports');
      }}
    >
      Sign out
    </Button>
  );
}
