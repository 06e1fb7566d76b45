import { type ReactNode, Suspense } from 'react';
import { describedBy, FieldError } from '../ui/field.tsx';
import { Icon } from '../ui/icons.tsx';

interface Props {
  id: string;
  label: string;
  /** What is chosen inside, in a few words after the label. */
  summary: string;
  open: boolean;
  onToggle: () => void;
  error: string | undefined;
  /** Drawn while open; its code may load then. */
  children: ReactNode;
}

/** A quiet row that shows and hides fields below it. */
export function DisclosureField(props: Props): ReactNode {
  const { id, label, summary, open, onToggle, error, children } = props;
  return (
    <div>
      <button
        type="button"
        id={id}
        aria-expanded={open}
        aria-controls={`${id}-list`}
        onClick={onToggle}
        className="control -mx-2 flex w-[calc(100%+16px)] items-center gap-2 rounded-control px-2 text-left hover:bg-hover"
        {...describedBy(id, error, undefined)}
      >
        <span>{label}</span>{' '}
        <span className="min-w-0 flex-1 truncate text-muted" title={summary}>
          {summary}
        </span>
        <Icon name="right" className={`text-muted ${open ? 'rotate-90' : ''}`} />
      </button>
      <FieldError id={`${id}-error`} message={error} />
      <div id={`${id}-list`} hidden={!open} className="mt-1 mb-2 rounded-card border border-line">
        {open ? (
          <Suspense fallback={<p className="p-3 text-muted">Loading…</p>}>{children}</Suspense>
        ) : null}
      </div>
    </div>
  );
}
