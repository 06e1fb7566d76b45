import { type ReactNode, useEffect, useEffectEvent, useRef } from 'react';
import { NavigationType, useLocation, useNavigationType } from 'react-router';

function usePageTitle(title: string): void {
  useEffect(() => {
    document.title = `${title} – StreamSync`;
  }, [title]);
}

let lastPath: string | null = null;
/** The value of `lastPath` while the sign-in page is shown in place of a page. */
const signingIn = '';

/** Sets the title of the sign-in page. The page after it counts as reached by a link. */
export function useSignInPage(title: string): void {
  usePageTitle(title);
  useEffect(() => {
    lastPath = signingIn;
  }, []);
}

/**
 * The heading of a page. It sets the title, and takes the focus if the page was reached by a link. It does not take the
 * focus on the first page, where the browser starts at the top, or on the way back, where the page restores the focus.
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
  const navigationType = useNavigationType();
  usePageTitle(title);
  const arrive = useEffectEvent((path: string) => {
    const byLink = lastPath === signingIn || navigationType !== NavigationType.Pop;
    if (lastPath !== null && byLink) heading.current?.focus();
    lastPath = path;
  });
  useEffect(() => arrive(pathname), [pathname]);
  return (
    <h1
      ref={heading}
      tabIndex={-1}
      className="min-w-0 text-lg font-semibold tracking-tight wrap-anywhere"
    >
      {children ?? title}
    </h1>
  );
}
