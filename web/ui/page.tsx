import { type ReactNode, useEffect, useEffectEvent, useRef } from 'react';
import { NavigationType, useLocation, useNavigationType } from 'react-router';

function usePageTitle(title: string): void {
  useEffect(() => {
    document.title = `${title} – StreamSync`;
  }, [title]);
}

let lastPath: string | null = null;
/** What `lastPath` is while the sign-in page stands in place of the page. */
const signingIn = '';

/** For the sign-in page: what comes after it was reached by signing in, as if by a link. */
export function useSignInPage(title: string): void {
  usePageTitle(title);
  useEffect(() => {
    lastPath = signingIn;
  }, []);
}

/**
 * The heading of a page. It sets the title, and takes focus when the page was reached by a link;
 * not on the first page, where the browser starts at the top, nor on the way back, where the page
 * decides what had focus before.
 */
export function PageHeading({
  title,
  children,
}: {
  title: string;
  children?: ReactNode;
}): ReactNode {
  const heading = useRef<HTMLHeadingElement>(null);
  const { pathname } = useLocation();
  const how = useNavigationType();
  usePageTitle(title);
  const arrive = useEffectEvent((path: string) => {
    const byLink = lastPath === signingIn || how !== NavigationType.Pop;
    if (lastPath !== null && byLink) heading.current?.focus();
    lastPath = path;
  });
  useEffect(() => arrive(pathname), [pathname]);
  return (
    <h1
      ref={heading}
      tabIndex={-1}
      className="min-w-0 text-lg font-semibold tracking-tight wrap-anywhere sm:text-xl"
    >
      {children ?? title}
    </h1>
  );
}
