import type { ReactNode } from 'react';
import { Icon } from './icons.tsx';
import { Link } from './link.tsx';

export function BackLink(): ReactNode {
  return (
    <Link
      to="/exports"
      className="control-small mb-2 -ml-1 inline-flex items-center gap-1 rounded-control pr-2 text-sm text-muted hover:text-text"
    >
      <Icon name="left" /> All exports
    </Link>
  );
}
