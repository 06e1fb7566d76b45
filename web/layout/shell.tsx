import { type ReactNode, useEffect, useRef } from 'react';
import { Outlet } from 'react-router';
import { SignInPage } from '../pages/sign-in-page.tsx';
import { useSession } from '../session/session.ts';
import { SessionEnded } from '../session/session-ended.tsx';
import { Announcer } from '../ui/announcer.tsx';
import { Header } from './header.tsx';
import { HealthBanner } from './health-banner.tsx';
import { OfflineBanner } from './offline-banner.tsx';
import { PageBoundary } from './page-boundary.tsx';

export function Shell(): ReactNode {
  const session = useSession();
  if (session.status === 'signed-out') return <SignInPage />;
  const { email } = session.session;
  return (
    <>
      <a
        href="#main"
        className="control fixed top-2 left-2 z-20 flex -translate-y-16 items-center rounded-control bg-accent px-4 font-medium text-on-accent focus:translate-y-0"
      >
        Skip to content
      </a>
      <Header email={email} />
      <Banners />
      <main id="main" tabIndex={-1} className="mx-auto max-w-[1440px] px-4 py-6 lg:px-6">
        <PageBoundary>
          <Outlet />
        </PageBoundary>
      </main>
      <Announcer />
      {session.status === 'ended' ? <SessionEnded email={email} /> : null}
    </>
  );
}

/** The banners. Their height is the property `--banner-height`, for what fills the rest of the window. */
function Banners(): ReactNode {
  const measured = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const observer = new ResizeObserver(([entry]) => {
      const height = entry?.contentRect.height ?? 0;
      document.documentElement.style.setProperty('--banner-height', `${height}px`);
    });
    if (measured.current) observer.observe(measured.current);
    return () => observer.disconnect();
  }, []);
  return (
    <div ref={measured}>
      <OfflineBanner />
      <HealthBanner />
    </div>
  );
}
