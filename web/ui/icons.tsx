import type { ReactNode } from 'react';

/** 16 px line icons. They are decoration: a word is always next to them. */
const paths = {
  bell: 'M4 11.25V7a4 4 0 0 1 8 0v4.25l1 1.25H3zM6.75 14.25h2.5',
  bellOn:
    'M4 11.25V7a4 4 0 0 1 8 0v4.25l1 1.25H3zM6.75 14.25h2.5M1.5 5.5a6 6 0 0 1 1.5-3M14.5 5.5a6 6 0 0 0-1.5-3',
  check: 'M3.5 8.5 6.5 11.5 12.5 4.5',
  chevron: 'M4.5 6.25 8 9.75l3.5-3.5',
  calendar: 'M3 4.5h10v8.5H3zM3 7.25h10M5.75 2.5v3M10.25 2.5v3',
  clock: 'M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12ZM8 4.75V8l2.25 1.5',
  cross: 'M4.5 4.5l7 7m0-7-7 7',
  crossCircle: 'M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12ZM6 6l4 4m0-4-4 4',
  dash: 'M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12ZM5.5 8h5',
  down: 'M8 2.75v7.5M4.75 7.5 8 10.75l3.25-3.25M3 13.25h10',
  done: 'M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12ZM5.5 8.25 7.25 10l3.25-3.75',
  left: 'M9.75 4.5 6.25 8l3.5 3.5',
  menu: 'M2.5 4.5h11M2.5 8h11M2.5 11.5h11',
  more: 'M3.5 8h.01M8 8h.01M12.5 8h.01',
  moon: 'M13 9.25A5.5 5.5 0 0 1 6.75 3 5.5 5.5 0 1 0 13 9.25Z',
  pause: 'M5.75 4v8M10.25 4v8',
  play: 'M5.5 3.75v8.5L12 8z',
  right: 'M6.25 4.5 9.75 8l-3.5 3.5',
  running: 'M8 2a6 6 0 1 1-6 6',
  screen: 'M2.5 3.5h11v7.5h-11zM6 13.5h4',
  search: 'M7 11.5a4.5 4.5 0 1 0 0-9 4.5 4.5 0 0 0 0 9ZM10.25 10.25 13.5 13.5',
  sun: 'M8 10.75a2.75 2.75 0 1 0 0-5.5 2.75 2.75 0 0 0 0 5.5ZM8 1.75v1M8 13.25v1M1.75 8h1M13.25 8h1M3.6 3.6l.7.7M11.7 11.7l.7.7M3.6 12.4l.7-.7M11.7 4.3l.7-.7',
  warning: 'M8 2.5 14 13H2zM8 6.5v3M8 11.25h.01',
} as const;

export type IconName = keyof typeof paths;

export function Icon({ name, className = '' }: { name: IconName; className?: string }): ReactNode {
  return (
    <svg
      aria-hidden="true"
      viewBox="0 0 16 16"
      width="16"
      height="16"
      fill="none"
      stroke="currentColor"
      strokeWidth={name === 'more' ? 2.25 : 1.5}
      strokeLinecap="round"
      strokeLinejoin="round"
      className={`shrink-0 ${className}`}
    >
      <path d={paths[name]} />
    </svg>
  );
}

export function Logo(): ReactNode {
  return (
    <svg aria-hidden="true" viewBox="0 0 32 32" width="24" height="24" className="shrink-0">
      <rect width="32" height="32" rx="8" fill="#1f5fd0" />
      <g fill="none" stroke="#fff" strokeWidth="2.75" strokeLinecap="round" strokeLinejoin="round">
        <path d="M8 9.5h16M8 15h7.5M8 20.5h3.5" opacity=".72" />
        <path d="M20.5 13.5v10m-4.5-4 4.5 4.5 4.5-4.5" />
      </g>
    </svg>
  );
}
