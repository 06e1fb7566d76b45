import type { ReactNode } from 'react';
import { signIn } from '../session/session.ts';
import { SignInForm } from '../session/sign-in-form.tsx';
import { Logo } from '../ui/icons.tsx';
import { useSignInPage } from '../ui/page.tsx';

/** Stands in place of the page that the link pointed to; after the sign-in that page is there. */
export function SignInPage(): ReactNode {
  useSignInPage('Sign in');
  return (
    <div className="grid min-h-dvh place-items-center bg-surface p-4">
      <main className="w-full max-w-[400px]">
        <p className="mb-6 flex items-center justify-center gap-2 text-base font-semibold">
          <Logo /> StreamSync
        </p>
        <div className="rounded-card border border-line bg-background p-6 shadow-raised">
          <h1 className="mb-4 text-lg font-semibold">Sign in</h1>
          <SignInForm onSignedIn={signIn} />
        </div>
      </main>
    </div>
  );
}
