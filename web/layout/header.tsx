import { useQuery } from '@tanstack/react-query';
import { lazy, type ReactNode, Suspense, useId } from 'react';
import { Link, NavLink } from 'react-router';
import { meQuery } from '../account/me.ts';
import { Button } from '../ui/button.tsx';
import { useDisclosure } from '../ui/disclosure.ts';
import { Icon, Logo } from '../ui/icons.tsx';
import { useWide } from '../ui/media.ts';

const loadMenu = () => import('./account-menu.tsx');
const AccountMenu = lazy(loadMenu);
const ZoneSwitch = lazy(() => import('./zone-switch.tsx'));

export function Header({ email }: { email: string }): ReactNode {
  const wide = useWide();
  return (
    <header className="sticky top-0 z-10 border-b border-line bg-background">
      <div className="mx-auto flex h-14 max-w-[1440px] items-center gap-6 px-4 lg:px-6">
        <Link
          to="/exports"
          className="control flex items-center gap-2 rounded-control text-base font-semibold"
        >
          <Logo /> StreamSync
        </Link>
        {wide ? (
          <>
            <MainNavigation className="flex flex-1 gap-1" />
            <div className="w-[272px]">
              <Zone />
            </div>
            <Panel label={email} email={email} className="right-0 w-[300px]">
              <span className="max-w-[200px] truncate">{email}</span>
              <Icon name="chevron" className="text-muted" />
            </Panel>
          </>
        ) : (
          <Panel label="Menu" email={email} className="inset-x-0 mx-4" withNavigation>
            <Icon name="menu" />
          </Panel>
        )}
      </div>
    </header>
  );
}

const destinations = [
  { to: '/exports', name: 'Exports' },
  { to: '/live', name: 'Live' },
];
const administration = { to: '/admin', name: 'Admin' };

function MainNavigation({
  className,
  onNavigate,
}: {
  className: string;
  onNavigate?: () => void;
}): ReactNode {
  const { data: me } = useQuery(meQuery);
  const links = me?.role === 'admin' ? [...destinations, administration] : destinations;
  return (
    <nav aria-label="Main" className={className}>
      {links.map(({ to, name }) => (
        <NavLink
          key={to}
          to={to}
          onClick={onNavigate}
          className="control-small flex items-center rounded-control px-3 text-sm text-muted hover:bg-hover hover:text-text aria-[current=page]:bg-surface aria-[current=page]:font-medium aria-[current=page]:text-text"
        >
          {name}
        </NavLink>
      ))}
    </nav>
  );
}

function Zone(): ReactNode {
  const id = useId();
  return (
    <Suspense fallback={<div className="input" />}>
      <ZoneSwitch id={id} />
    </Suspense>
  );
}

/** The menu of the account; on a phone it also has the navigation and the zone. */
function Panel({
  label,
  email,
  className,
  withNavigation = false,
  children,
}: {
  label: string;
  email: string;
  className: string;
  withNavigation?: boolean;
  children: ReactNode;
}): ReactNode {
  const { open, toggle, close, container, button } = useDisclosure();
  const id = useId();

  return (
    <div ref={container} className={withNavigation ? 'ml-auto' : 'relative'}>
      <Button
        ref={button}
        variant="quiet"
        aria-label={withNavigation ? label : `Account ${label}`}
        aria-expanded={open}
        aria-controls={id}
        onClick={toggle}
        onFocus={() => void loadMenu()}
        onPointerEnter={() => void loadMenu()}
        className={withNavigation ? 'aspect-square px-0' : '-mr-3'}
      >
        {children}
      </Button>
      <div
        id={id}
        hidden={!open}
        className={`absolute top-full mt-2 space-y-4 rounded-card bg-background p-4 shadow-overlay ${className}`}
      >
        {withNavigation ? (
          <>
            <MainNavigation className="-mx-3 -mt-1" onNavigate={close} />
            <div className="space-y-1">
              <p aria-hidden="true" className="text-xs font-medium text-muted">
                Time zone
              </p>
              {open ? <Zone /> : null}
            </div>
          </>
        ) : null}
        {open ? (
          <Suspense fallback={<div className="h-[212px]" />}>
            <AccountMenu email={email} onNavigate={close} />
          </Suspense>
        ) : null}
      </div>
    </div>
  );
}
