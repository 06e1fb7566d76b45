import { useQueryClient } from '@tanstack/react-query';
import { type ReactNode, useEffect, useState } from 'react';
import { describeError } from '../api/errors.ts';
import { Button } from './button.tsx';
import { Icon } from './icons.tsx';

/** Shown in place of content that could not be loaded. */
export function FailedPanel({
  what,
  error,
  onRetry,
}: {
  what: string;
  error: unknown;
  onRetry: () => void;
}): ReactNode {
  const { message, reference } = describeError(error);
  const queries = useQueryClient();
  return (
    <div className="rounded-card border border-line bg-surface p-6">
      <p className="flex gap-2 font-medium">
        <Icon name="warning" className="mt-0.5 text-danger" />
        {`Could not load ${what}.`}
      </p>
      <p className="mt-1 pl-6 text-muted">
        {message} <Reference id={reference} />
      </p>
      <Button
        small
        className="mt-3 ml-6"
        onClick={() => {
          onRetry();
          // Other panels of the page may have failed for the same reason.
          void queries.refetchQueries({
            type: 'active',
            predicate: ({ state }) => state.status === 'error',
          });
        }}
      >
        Try again
      </Button>
    </div>
  );
}

export function Reference({ id }: { id: string | null }): ReactNode {
  return id === null ? null : (
    <span className="text-xs">
      Reference <code className="font-mono wrap-anywhere">{id}</code>
    </span>
  );
}

/** Shown in place of an empty list. */
export function EmptyPanel({
  children,
  action,
}: {
  children: ReactNode;
  action?: ReactNode;
}): ReactNode {
  return (
    <div className="rounded-card border border-dashed border-control px-6 py-12 text-center text-muted">
      <p className="mx-auto max-w-[44ch] text-balance">{children}</p>
      {action ? <div className="mt-4 flex justify-center">{action}</div> : null}
    </div>
  );
}

/** Keeps the height of content that is loading. The grey bars appear after 1 s. */
export function Skeleton({ label, rows }: { label: string; rows: number }): ReactNode {
  const [late, setLate] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setLate(true), 1_000);
    return () => clearTimeout(timer);
  }, []);
  return (
    <div aria-busy="true" aria-label={label} role="group" className="space-y-3">
      {Array.from({ length: rows }, (_, index) => (
        <div
          key={index}
          className={`h-14 rounded-card ${late ? 'animate-pulse bg-surface' : ''}`}
        />
      ))}
    </div>
  );
}

/** A message next to its subject. It stays until it is dismissed or its cause is gone. */
export function Note({
  tone,
  children,
  onDismiss,
}: {
  tone: 'plain' | 'success' | 'danger' | 'warning';
  children: ReactNode;
  onDismiss?: () => void;
}): ReactNode {
  const tones = {
    plain: 'border-line bg-surface',
    success: 'border-success/40 bg-success/8',
    danger: 'border-danger/40 bg-danger/8',
    warning: 'border-warning/40 bg-warning/8',
  };
  return (
    <div
      className={`flex flex-wrap items-center gap-x-3 gap-y-1 rounded-card border px-4 py-2 ${tones[tone]}`}
    >
      <div className="flex min-w-0 flex-1 flex-wrap items-center gap-x-2 wrap-anywhere">
        {children}
      </div>
      {onDismiss ? (
        <button
          type="button"
          aria-label="Dismiss"
          onClick={onDismiss}
          className="control-small grid aspect-square place-items-center rounded-control text-muted hover:bg-hover hover:text-text"
        >
          <Icon name="cross" />
        </button>
      ) : null}
    </div>
  );
}
