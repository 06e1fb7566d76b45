import type { ReactNode } from 'react';
import { ExportList } from '../exports/export-list.tsx';
import { ButtonLink } from '../ui/button.tsx';
import { useWide } from '../ui/media.ts';
import { PageHeading } from '../ui/page.tsx';

export function ExportsPage(): ReactNode {
  const wide = useWide();
  return (
    <>
      <ExportList heading={<PageHeading title="Exports" />} />
      {wide ? null : (
        <div className="sticky bottom-0 -mx-4 mt-4 -mb-6 border-t border-line bg-background px-4 py-3">
          <ButtonLink to="/exports/new" variant="primary" className="w-full">
            New export
          </ButtonLink>
        </div>
      )}
    </>
  );
}
