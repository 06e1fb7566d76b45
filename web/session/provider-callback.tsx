import { useQuery } from '@tanstack/react-query';
import { type ReactNode, useEffect, useEffectEvent } from 'react';
import { useLocation, useNavigate } from 'react-router';
import { ApiError, describeError, UnreachableError } from '../api/errors.ts';
import { finishAtProvider } from './provider.ts';
import { signIn } from './session.ts';

/** The page to which the provider sends the browser. It goes where the link pointed before the sign-in. */
export default function ProviderCallback(): ReactNode {
  const navigate = useNavigate();
  const { search } = useLocation();
  const { data, error } = useQuery({
    queryKey: ['provider', search],
    queryFn: () => finishAtProvider(new URLSearchParams(search)),
    retry: false,
    staleTime: Number.POSITIVE_INFINITY,
    networkMode: 'always',
  });
  const enter = useEffectEvent(({ session, path }: NonNullable<typeof data>) => {
    void navigate(path, { replace: true });
    signIn(session);
  });
  useEffect(() => {
    if (data) enter(data);
  }, [data]);
  return (
    <div role="alert">
      {error ? (
        <p className="mb-4 rounded-card border border-danger/40 bg-danger/8 px-4 py-3">
          {error instanceof ApiError || error instanceof UnreachableError
            ? describeError(error).message
            : 'The sign-in was not completed. Start it again.'}
        </p>
      ) : (
        <p className="mb-4 text-muted">Signing in…</p>
      )}
    </div>
  );
}
