import type { ReactNode } from 'react';
import { lineStyle } from './line-style.ts';

/** A short line, as in the chart; an empty place for a series without one. */
export function Swatch({ slot }: { slot: number | null }): ReactNode {
  return (
    <svg aria-hidden="true" viewBox="0 0 24 8" width="24" height="8" className="shrink-0">
      {slot === null ? null : (
        <line
          x1="0"
          y1="4"
          x2="24"
          y2="4"
          stroke="currentColor"
          strokeWidth="2.5"
          strokeDasharray={lineStyle(slot).dash.join(' ')}
          className={lineStyle(slot).className}
        />
      )}
    </svg>
  );
}
