import type { ReactNode } from 'react';

export function Section({
  id,
  title,
  action,
  children,
}: {
  id: string;
  title: string;
  action?: ReactNode;
  children: ReactNode;
}): ReactNode {
  return (
    <section aria-labelledby={id} className="space-y-4">
      <div className="flex min-h-9 flex-wrap items-center justify-between gap-3">
        <h2 id={id} tabIndex={-1} className="text-base font-semibold">
          {title}
        </h2>
        {action}
      </div>
      {children}
    </section>
  );
}
