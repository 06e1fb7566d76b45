import { useQuery } from '@tanstack/react-query';
import { lazy, type ReactNode, Suspense, useId } from 'react';
import { meQuery } from '../account/me.ts';
import { zoneName } from '../time/format.ts';
import { useZone } from '../time/zone.ts';
import { Button } from '../ui/button.tsx';
import { useDisclosure } from '../ui/disclosure.ts';
import { Icon, Logo } from '../ui/icons.tsx';
import { Link, NavigationLink } from '../ui/link.tsx';
import { useWide } from '../ui/media.ts';
import { useNow } from '../ui/now.ts';

const loadMenu = () => import('./account-menu.tsx');
const AccountMenu = lazy(loadMenu);
const ZoneSwitch = lazy(() => import('./zone-switch.tsx'));

export function Header({ email }: { email: string }): ReactNode {
  const wide = useWide();
  return (
    <header className="sticky top-0 z-10 border-b border-line bg-background">
      <div className="mx-auto flex h-12 max-w-[1440px] items-center gap-6 px-4 lg:px-6">
        <Link
          to="/exports"
          className="control flex items-center gap-2 rounded-control text-base font-semibold"
        >
          <Logo /> StreamSync
        </Link>
        {wide ? (
          <>
            <MainNavigation className="flex h-full flex-1 gap-5" />
            <div className="flex items-center gap-2">
              <ZonePanel />
              <AccountPanel email={email} />
            </div>
          </>
        ) : (
          <MenuPanel email={email} />
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
        <NavigationLink
          key={to}
          to={to}
          onClick={onNavigate}
          className="control-small flex items-center border-b-2 border-transparent text-sm font-medium text-muted hover:text-text aria-[current=page]:border-accent aria-[current=page]:text-text"
        >
          {name}
        </NavigationLink>
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

/** The zone of every time on the page, as a small button: it is set once. */
function ZonePanel(): ReactNode {
  const zone = useZone();
  const name = zoneName(zone, new Date(useNow(60_000)));
  return (
    <Panel
      label={`Time zone ${name}, ${zone}`}
      className="right-0 w-[300px]"
      button={
        <>
          {name}
          <Icon name="chevron" />
        </>
      }
      buttonClass="px-2 text-xs text-muted"
    >
      {() => (
        <>
          <p className="text-muted">Every time on this page is in this zone.</p>
          <Zone />
        </>
      )}
    </Panel>
  );
}

function AccountPanel({ email }: { email: string }): ReactNode {
  return (
    <Panel
      label={`Account ${email}`}
      className="right-0 w-[300px]"
      onApproach={() => void loadMenu()}
      // As generated content the initials are decoration, and the label of the button need not have them.
      button={
        <span data-initials={initialsOf(email)} className="before:content-[attr(data-initials)]" />
      }
      buttonClass="size-8 rounded-full bg-surface px-0 text-xs text-muted"
    >
      {(close) => <Menu email={email} onNavigate={close} />}
    </Panel>
  );
}

/** On a phone one menu has the navigation, the zone and the account. */
function MenuPanel({ email }: { email: string }): ReactNode {
  return (
    <Panel
      label="Menu"
      container="ml-auto"
      className="inset-x-0 mx-4"
      onApproach={() => void loadMenu()}
      button={<Icon name="menu" />}
      buttonClass="aspect-square px-0"
    >
      {(close) => (
        <>
          <MainNavigation className="-mt-1" onNavigate={close} />
          <div className="space-y-1">
            <p aria-hidden="true" className="text-xs font-medium text-muted">
              Time zone
            </p>
            <Zone />
          </div>
          <Menu email={email} onNavigate={close} />
        </>
      )}
    </Panel>
  );
}

function Menu(props: { email: string; onNavigate: () => void }): ReactNode {
  return (
    <Suspense fallback={<div className="h-[212px]" />}>
      <AccountMenu {...props} />
    </Suspense>
  );
}

/** A button of the header, with content below it that is drawn when it is open. */
function Panel({
  label,
  container: containerClass = 'relative',
  className,
  onApproach,
  button: face,
  buttonClass,
  children,
}: {
  label: string;
  container?: string;
  className: string;
  /** Called before a press is likely. */
  onApproach?: () => void;
  button: ReactNode;
  buttonClass: string;
  children: (close: () => void) => ReactNode;
}): ReactNode {
  const { open, toggle, close, container, button } = useDisclosure();
  const id = useId();
  return (
    <div ref={container} className={containerClass}>
      <Button
        ref={button}
        variant="quiet"
        aria-label={label}
        aria-expanded={open}
        aria-controls={id}
        onClick={toggle}
        onFocus={onApproach}
        onPointerEnter={onApproach}
        className={buttonClass}
      >
        {face}
      </Button>
      <div
        id={id}
        hidden={!open}
        className={`absolute top-full mt-2 space-y-4 rounded-card bg-background p-4 shadow-overlay ${className}`}
      >
        {open ? children(close) : null}
      </div>
    </div>
  );
}

/** `DE` for demo@streamsync.example, `JD` for jane.doe@… */
function initialsOf(email: string): string {
  const [first = '', second = ''] = (email.split('@')[0] ?? '').split(/[._+-]+/);
  return (second === '' ? first.slice(0, 2) : first.slice(0, 1) + second.slice(0, 1)).toUpperCase();
}
