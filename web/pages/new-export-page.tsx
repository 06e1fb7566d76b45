import type { ReactNode } from 'react';
import { ExportForm } from '../form/export-form.tsx';
import { BackLink } from '../ui/back-link.tsx';
import { useWide } from '../ui/media.ts';
import { PageHeading } from '../ui/page.tsx';
import { ExportsPage } from './exports-page.tsx';

/** The form on its own page. On wide pages it is next to the list already. */
export function NewExportPage(): ReactNode {
  const wide = useWide();
  if (wide) return <ExportsPage />;
  return (
    <>
      <BackLink />
      <div className="mb-4">
        <PageHeading title="New export" />
      </div>
      <ExportForm />
    </>
  );
}
