import { type ReactNode, type RefObject, useEffect, useRef } from 'react';
import { Outlet, useLocation } from 'react-router';
import { ExportsPageStateProvider } from '../exports/page-state.tsx';
import { useLiveExports } from '../exports/use-live-exports.ts';
import { DraftProvider } from '../form/draft-context.tsx';
import { ExportForm } from '../form/export-form.tsx';
import { SinglePage, WorkPage } from '../layout/templates.tsx';
import { useWide } from '../ui/media.ts';

/** On wide pages the form is next to the list. The page of an export has the whole width. */
export function ExportsLayout(): ReactNode {
  const wide = useWide();
  useLiveExports();
  const formHeading = useRef<HTMLHeadingElement>(null);
  const { key, pathname } = useLocation();
  const hasForm = /^\/exports(\/new)?\/?$/.test(pathname);
  // `key` changes with each navigation, so that a second Duplicate moves the focus again.
  useEffect(() => {
    if (key !== 'default' && pathname === '/exports/new') formHeading.current?.focus();
  }, [key, pathname]);
  return (
    <ExportsPageStateProvider>
      <DraftProvider>
        {hasForm ? (
          <WorkPage tool={<FormColumn heading={formHeading} />}>
            {wide ? (
              <Outlet />
            ) : (
              <SinglePage width="text">
                <Outlet />
              </SinglePage>
            )}
          </WorkPage>
        ) : (
          <SinglePage width="details">
            <Outlet />
          </SinglePage>
        )}
      </DraftProvider>
    </ExportsPageStateProvider>
  );
}

function FormColumn({ heading }: { heading: RefObject<HTMLHeadingElement | null> }): ReactNode {
  return (
    <section aria-labelledby="new-export" className="sticky top-16">
      <div className="max-h-[calc(100dvh-80px-var(--banner-height,0px))] scroll-pt-6 scroll-pb-24 overflow-y-auto rounded-card border border-line">
        {/* The padding is inside the scrolling element, so that the buttons stick to its edge. */}
        <div className="p-5">
          <h2 ref={heading} id="new-export" tabIndex={-1} className="mb-4 text-base font-semibold">
            New export
          </h2>
          <ExportForm />
        </div>
      </div>
    </section>
  );
}
