import { type ReactNode, useEffect, useRef } from 'react';
import { Outlet, useLocation } from 'react-router';
import { ExportsPageStateProvider } from '../exports/page-state.tsx';
import { useLiveExports } from '../exports/use-live-exports.ts';
import { DraftProvider } from '../form/draft-context.tsx';
import { ExportForm } from '../form/export-form.tsx';
import { useWide } from '../ui/media.ts';

/** On wide pages the form is next to the list or to a single export. */
export function ExportsLayout(): ReactNode {
  const wide = useWide();
  useLiveExports();
  const formHeading = useRef<HTMLHeadingElement>(null);
  const { key, pathname } = useLocation();
  // `key` changes with each navigation, so that a second Duplicate moves the focus again.
  useEffect(() => {
    if (key !== 'default' && pathname === '/exports/new') formHeading.current?.focus();
  }, [key, pathname]);
  return (
    <ExportsPageStateProvider>
      <DraftProvider>
        {wide ? (
          <div className="grid grid-cols-[360px_minmax(0,1fr)] items-start gap-8">
            <section aria-labelledby="new-export" className="sticky top-20">
              <div className="max-h-[calc(100dvh-96px)] scroll-pt-6 scroll-pb-24 overflow-y-auto rounded-card border border-line">
                {/* The padding is inside the scrolling element, so that the buttons stick to its edge. */}
                <div className="p-6">
                  <h2
                    ref={formHeading}
                    id="new-export"
                    tabIndex={-1}
                    className="mb-4 text-base font-semibold"
                  >
                    New export
                  </h2>
                  <ExportForm />
                </div>
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
