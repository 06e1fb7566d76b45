import type { ReactNode } from 'react';
import { Outlet } from 'react-router';
import { ExportsPageStateProvider } from '../exports/page-state.tsx';
import { DraftProvider } from '../form/draft-context.tsx';
import { ExportForm } from '../form/export-form.tsx';
import { useWide } from '../ui/media.ts';

/** On wide pages the form stands beside the list and beside a single export. */
export function ExportsLayout(): ReactNode {
  const wide = useWide();
  return (
    <ExportsPageStateProvider>
      <DraftProvider>
        {wide ? (
          <div className="grid grid-cols-[360px_minmax(0,1fr)] items-start gap-8">
            <section
              aria-labelledby="new-export"
              className="sticky top-20 -m-1 max-h-[calc(100dvh-96px)] overflow-y-auto p-1"
            >
              <div className="rounded-card border border-line p-6">
                <h2 id="new-export" className="mb-4 text-base font-semibold">
                  New export
                </h2>
                <ExportForm />
              </div>
            </section>
            <div className="min-w-0">
              <Outlet />
            </div>
          </div>
        ) : (
          <div className="mx-auto max-w-[720px]">
            <Outlet />
          </div>
        )}
      </DraftProvider>
    </ExportsPageStateProvider>
  );
}
