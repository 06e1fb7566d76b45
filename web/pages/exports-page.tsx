import type { ReactNode } from 'react';
import { ExportList } from '../exports/export-list.tsx';
import { ButtonLink } from '../ui/button.tsx';
import { useWide } from '../ui/media.ts';
import { PageHeading } from '../ui/page.tsx';

export function ExportsPage(): ReactNode {
  const wide = useWide();
  return (
    <>
      <div className="mb-4 flex min-h-9 items-center justify-between gap-4">
        <PageHeading title="Exports" />
        {wide ? null : (
          <ButtonLink to="/exports/new" variant="primary">
            New export
          </ButtonLink>
        )}
      </div>
      <ExportList />
    </>
  );
}
