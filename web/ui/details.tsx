import { type ReactNode, useState } from 'react';
import { Icon } from './icons.tsx';

/** A term and its description; in a grid of two columns on wide pages. */
export function Entry({ term, children }: { term: string; children: ReactNode }): ReactNode {
  return (
    <div className="sm:contents">
      <dt className="text-muted">{term}</dt>
      <dd className="min-w-0 wrap-anywhere">{children}</dd>
    </div>
  );
}

/** Content that a press on its title shows. It is rendered only then. */
export function Disclosure({ title, children }: { title: string; children: ReactNode }): ReactNode {
  const [open, setOpen] = useState(false);
  return (
    <details className="group" onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary className="control-small flex list-none items-center gap-1 rounded-control font-medium">
        <Icon name="right" className="text-muted group-open:rotate-90" />
        {title}
      </summary>
      {open ? children : null}
    </details>
  );
}
