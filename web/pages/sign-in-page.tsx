import { useQuery } from '@tanstack/react-query';
import { lazy, type ReactNode, Suspense } from 'react';
import { useLocation } from 'react-router';
import { getSignInMethods } from '../api/calls.ts';
import { signIn } from '../session/session.ts';
import { SignInForm } from '../session/sign-in-form.tsx';
import { Logo } from '../ui/icons.tsx';
import { useSignInPage } from '../ui/page.tsx';

const ProviderSignIn = lazy(() => import('../session/provider-sign-in.tsx'));
const ProviderCallback = lazy(() => import('../session/provider-callback.tsx'));

/** Shown in place of the page at the current address, which is shown after the sign-in. */
export function SignInPage(): ReactNode {
  useSignInPage('Sign in');
  const { pathname } = useLocation();
  const { data: methods } = useQuery({
    queryKey: ['sign-in-methods'],
    queryFn: ({ signal }) => getSignInMethods(signal),
    staleTime: Number.POSITIVE_INFINITY,
  });
  return (
    <div className="grid min-h-dvh place-items-center bg-surface p-4">
      <main className="w-full max-w-[400px]">
        <p className="mb-6 flex items-center justify-center gap-2 text-base font-semibold">
          <Logo /> StreamSync
        </p>
        <div className="rounded-card border border-line bg-background p-6 shadow-raised">
          <h1 className="mb-4 text-lg font-semibold">Sign in</h1>
          <Suspense>{pathname === '/sign-in/callback' ? <ProviderCallback /> : null}</Suspense>
          <SignInForm onSignedIn={signIn} />
          <Suspense>{methods?.oidc ? <ProviderSignIn name={methods.oidc.name} /> : null}</Suspense>
        </div>
      </main>
    </div>
  );
}
