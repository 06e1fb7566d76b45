import { type ReactNode, useId } from 'react';
import { useLocation } from 'react-router';
import { Button } from '../ui/button.tsx';
import { useDisclosure } from '../ui/disclosure.ts';
import { Icon } from '../ui/icons.tsx';
import { NavigationLink } from '../ui/link.tsx';
import { useWide } from '../ui/media.ts';

const sections = [
  { path: 'overview', name: 'Overview' },
  { path: 'history', name: 'History' },
  { path: 'running', name: 'Running' },
  { path: 'accounts', name: 'Accounts' },
  { path: 'grants', name: 'Grants' },
  { path: 'audit', name: 'Audit' },
  { path: 'dead-letters', name: 'Dead letters' },
  { path: 'sources', name: 'Sources' },
  { path: 'health', name: 'Health' },
] as const;

/** Next to the section on wide pages; above it, opened by a button with its name, on narrow ones. */
export function SectionNavigation(): ReactNode {
  const wide = useWide();
  return wide ? <Sections className="sticky top-16" /> : <NarrowNavigation />;
}

function Sections({
  className,
  onNavigate,
}: {
  className: string;
  onNavigate?: () => void;
}): ReactNode {
  return (
    <nav aria-label="Admin" className={className}>
      <ul className="space-y-1">
        {sections.map(({ path, name }) => (
          <li key={path}>
            <NavigationLink
              to={`/admin/${path}`}
              onClick={onNavigate}
              className="control-small flex items-center rounded-control px-3 text-muted hover:bg-hover hover:text-text aria-[current=page]:bg-surface aria-[current=page]:font-medium aria-[current=page]:text-text"
            >
              {name}
            </NavigationLink>
          </li>
        ))}
      </ul>
    </nav>
  );
}

function NarrowNavigation(): ReactNode {
  const { open, toggle, close, container, button } = useDisclosure();
  const id = useId();
  const { pathname } = useLocation();
  const current = sections.find(({ path }) => pathname === `/admin/${path}`);
  return (
    <div ref={container} className="mb-4">
      <Button
        ref={button}
        aria-expanded={open}
        aria-controls={id}
        className="w-full justify-between!"
        onClick={toggle}
      >
        {`Section: ${current?.name ?? 'choose'}`}
        <Icon name="chevron" className="text-muted" />
      </Button>
      <div id={id} hidden={!open} className="mt-2 rounded-card border border-line p-2">
        <Sections className="" onNavigate={close} />
      </div>
    </div>
  );
}
