import { type ReactNode, useState } from 'react';
import { Icon } from './icons.tsx';

/** A term and what there is to it; in a grid of two columns on wide pages. */
export function Entry({ term, children }: { term: string; children: ReactNode }): ReactNode {
  return (
    <div className="sm:contents">
      <dt className="text-muted">{term}</dt>
      <dd className="min-w-0 wrap-anywhere">{children}</dd>
    </div>
  );
}

/** Shown when it is asked for, and made only then. */
export function More({ title, children }: { title: string; children: ReactNode }): ReactNode {
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
