import type { ComponentProps, ReactNode } from 'react';
import { useHref, useLinkClickHandler, useLocation } from 'react-router';

export interface LinkProps extends Omit<ComponentProps<'a'>, 'href'> {
  to: string;
}

/**
 * A link that changes the address without loading the page again. React Router's own links come with code that loads
 * the data of routes, which this page has no use for.
 */
export function Link({ to, onClick, children, ...rest }: LinkProps): ReactNode {
  const href = useHref(to);
  const navigate = useLinkClickHandler(to);
  return (
    <a
      {...rest}
      href={href}
      onClick={(event) => {
        onClick?.(event);
        if (!event.defaultPrevented) navigate(event);
      }}
    >
      {children}
    </a>
  );
}

/** A link of a navigation. It is marked as the current page there and on the pages below it. */
export function NavigationLink(props: LinkProps): ReactNode {
  const { pathname } = useLocation();
  const isCurrent = pathname === props.to || pathname.startsWith(`${props.to}/`);
  return <Link {...props} aria-current={isCurrent ? 'page' : undefined} />;
}
