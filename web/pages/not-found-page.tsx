import type { ReactNode } from 'react';
import { ButtonLink } from '../ui/button.tsx';
import { PageHeading } from '../ui/page.tsx';

export function NotFoundPage(): ReactNode {
  return (
    <div className="space-y-4">
      <PageHeading title="Page not found" />
      <p className="text-muted">The address may be mistyped, or the page has moved.</p>
      <ButtonLink to="/exports">Go to Exports</ButtonLink>
    </div>
  );
}
