import { useMutation } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { useLocation } from 'react-router';
import { describeError } from '../api/errors.ts';
import { Button } from '../ui/button.tsx';
import { startAtProvider } from './provider.ts';

/** Signs in with the provider, and comes back to the page at the current address. */
export default function ProviderSignIn({ name }: { name: string }): ReactNode {
  const { pathname, search } = useLocation();
  const { mutate, isPending, error } = useMutation({
    mutationFn: () =>
      startAtProvider(pathname.startsWith('/sign-in') ? '/exports' : `${pathname}${search}`),
    networkMode: 'always',
  });
  return (
    <div className="mt-4 border-t border-line pt-4">
      <div role="alert">
        {error ? <p className="mb-2">{describeError(error).message}</p> : null}
      </div>
      <Button busy={isPending} className="w-full" onClick={() => mutate()}>
        {`Continue with ${name}`}
      </Button>
    </div>
  );
}
