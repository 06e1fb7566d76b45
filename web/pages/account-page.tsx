import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { Keys } from '../account/keys.tsx';
import { meQuery } from '../account/me.ts';
import { PasswordForm } from '../account/password-form.tsx';
import { Quotas } from '../account/quotas.tsx';
import { Sessions } from '../account/sessions.tsx';
import { Settings } from '../account/settings.tsx';
import { SinglePage } from '../layout/templates.tsx';
import { PageHeading } from '../ui/page.tsx';
import { FailedPanel, Skeleton } from '../ui/panels.tsx';

/** The account of the user: keys, limits, password, sessions, settings. */
export default function AccountPage(): ReactNode {
  const { data: me, error, refetch } = useQuery({ ...meQuery, refetchOnMount: 'always' });
  return (
    <SinglePage width="sections">
      <div className="space-y-10">
        <div>
          <PageHeading title="Account" />
          {me ? (
            <p className="mt-1 text-muted wrap-anywhere">
              {`${me.email}, ${me.role === 'admin' ? 'administrator' : 'analyst'}`}
            </p>
          ) : null}
        </div>
        {me ? (
          <>
            <Keys scopes={me.scopes} />
            <Quotas me={me} />
            <PasswordForm email={me.email} />
            <Sessions />
            <Settings />
          </>
        ) : error ? (
          <FailedPanel what="the account" error={error} onRetry={() => void refetch()} />
        ) : (
          <Skeleton label="Loading the account" rows={4} />
        )}
      </div>
    </SinglePage>
  );
}
