import { type ReactNode, Suspense } from 'react';
import { describedBy, FieldError } from '../ui/field.tsx';
import { Icon } from '../ui/icons.tsx';

interface Props {
  id: string;
  label: string;
  /** What is chosen inside, in a few words after the label. */
  summary: string | undefined;
  open: boolean;
  onToggle: () => void;
  error: string | undefined;
  hint?: string | undefined;
  /** Drawn while open; its code may load then. */
  children: ReactNode;
}

/** A button that shows and hides fields below it. */
export function DisclosureField(props: Props): ReactNode {
  const { id, label, summary, open, onToggle, error, hint, children } = props;
  return (
    <div className="space-y-1">
      <button
        type="button"
        id={id}
        aria-expanded={open}
        aria-controls={`${id}-list`}
        onClick={onToggle}
        className="input flex items-center justify-between gap-2 text-left"
        {...describedBy(id, error, hint)}
      >
        <span>
          {label} {summary === undefined ? null : <span className="text-muted">{summary}</span>}
        </span>
        <Icon name="chevron" className={`text-muted ${open ? 'rotate-180' : ''}`} />
      </button>
      <FieldError id={`${id}-error`} message={error} />
      {hint ? (
        <p id={`${id}-hint`} className="text-xs text-muted wrap-anywhere">
          {hint}
        </p>
      ) : null}
      <div id={`${id}-list`} hidden={!open} className="rounded-card border border-line">
        {open ? (
          <Suspense fallback={<p className="p-3 text-muted">Loading…</p>}>{children}</Suspense>
        ) : null}
      </div>
    </div>
  );
}
