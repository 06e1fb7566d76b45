import type { ReactNode } from 'react';
import { useWide } from '../ui/media.ts';

/* The three templates of pages. */

/**
 * A column of tools next to the content it works on: the form and the exports, the series and their chart. Without a
 * tool, and on narrow pages, where the tools have a place of their own, the content has the whole width.
 */
export function WorkPage({ tool, children }: { tool: ReactNode; children: ReactNode }): ReactNode {
  const wide = useWide();
  return wide && tool !== null ? (
    <div className="grid grid-cols-[380px_minmax(0,1fr)] items-start gap-6">
      {tool}
      <div className="min-w-0">{children}</div>
    </div>
  ) : (
    children
  );
}

/** A list of sections next to the content of one of them. */
export function ConsolePage({
  navigation,
  children,
}: {
  navigation: ReactNode;
  children: ReactNode;
}): ReactNode {
  return (
    <div className="gap-8 lg:grid lg:grid-cols-[152px_minmax(0,1fr)] lg:items-start">
      {navigation}
      <div className="min-w-0">{children}</div>
    </div>
  );
}

const widths = { text: 'max-w-[720px]', sections: 'max-w-[960px]', details: 'max-w-[1120px]' };

/** One column, of the width that its content needs. */
export function SinglePage({
  width,
  children,
}: {
  width: keyof typeof widths;
  children: ReactNode;
}): ReactNode {
  return <div className={`mx-auto ${widths[width]}`}>{children}</div>;
}
