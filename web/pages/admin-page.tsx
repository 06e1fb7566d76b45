import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { Navigate, Route, Routes } from 'react-router';
import { meQuery } from '../account/me.ts';
import { Accounts } from '../admin/accounts.tsx';
import { Audit } from '../admin/audit.tsx';
import { DeadLetters } from '../admin/dead-letters.tsx';
import { Grants } from '../admin/grants.tsx';
import { HealthSection } from '../admin/health.tsx';
import { History } from '../admin/history.tsx';
import { Overview } from '../admin/overview.tsx';
import { Running } from '../admin/running.tsx';
import { SectionNavigation } from '../admin/section-navigation.tsx';
import { Sources } from '../admin/sources.tsx';
import { ConsolePage } from '../layout/templates.tsx';
import { ButtonLink } from '../ui/button.tsx';
import { PageHeading } from '../ui/page.tsx';
import { FailedPanel, Skeleton } from '../ui/panels.tsx';
import { NotFoundPage } from './not-found-page.tsx';

/** The pages for administrators. For other accounts they request nothing. */
export default function AdminPage(): ReactNode {
  const { data: me, error, refetch } = useQuery(meQuery);
  if (me === undefined)
    return error ? (
      <FailedPanel what="your account" error={error} onRetry={() => void refetch()} />
    ) : (
      <Skeleton label="Loading your account" rows={4} />
    );
  if (me.role !== 'admin') return <NoAccess />;
  return (
    <ConsolePage navigation={<SectionNavigation />}>
      <Routes>
        <Route index element={<Navigate to="/admin/overview" replace />} />
        <Route path="overview" element={<Overview />} />
        <Route path="history" element={<History />} />
        <Route path="running" element={<Running />} />
        <Route path="accounts" element={<Accounts />} />
        <Route path="grants" element={<Grants />} />
        <Route path="audit" element={<Audit />} />
        <Route path="dead-letters" element={<DeadLetters />} />
        <Route path="sources" element={<Sources />} />
        <Route path="health" element={<HealthSection />} />
        <Route path="*" element={<NotFoundPage />} />
      </Routes>
    </ConsolePage>
  );
}

function NoAccess(): ReactNode {
  return (
    <div className="space-y-4">
      <PageHeading title="No access">You don’t have access to Admin.</PageHeading>
      <p className="text-muted">Ask an administrator for the admin role.</p>
      <ButtonLink to="/exports">Go to Exports</ButtonLink>
    </div>
  );
}
