import type { ComponentProps, ReactNode } from 'react';
import { Link, type LinkProps } from './link.tsx';

type Variant = 'primary' | 'accent' | 'secondary' | 'quiet' | 'danger';

const base =
  'inline-flex items-center justify-center gap-2 rounded-control px-3 text-sm font-medium whitespace-nowrap select-none transition-colors aria-disabled:cursor-default aria-disabled:opacity-60';

const variants: Record<Variant, string> = {
  primary:
    'bg-accent text-on-accent hover:bg-[color-mix(in_srgb,var(--color-accent)_88%,var(--color-text))]',
  accent: 'border border-control bg-background text-accent hover:bg-hover',
  secondary: 'border border-control bg-background text-text hover:bg-hover',
  quiet: 'hover:bg-hover',
  danger:
    'bg-danger text-background hover:bg-[color-mix(in_srgb,var(--color-danger)_88%,var(--color-text))]',
};

const buttonClass = (variant: Variant, small = false): string =>
  `${base} ${small ? 'control-small' : 'control'} ${variants[variant]}`;

interface Appearance {
  variant?: Variant;
  small?: boolean;
}

/** A button that can keep the focus while `busy`: it is marked as disabled, and presses have no effect. */
export function Button({
  variant = 'secondary',
  small = false,
  busy = false,
  className = '',
  onClick,
  ...rest
}: ComponentProps<'button'> & Appearance & { busy?: boolean }): ReactNode {
  return (
    <button
      type="button"
      {...rest}
      aria-disabled={busy || undefined}
      className={`${buttonClass(variant, small)} ${className}`}
      onClick={(event) => {
        if (busy) event.preventDefault();
        else onClick?.(event);
      }}
    />
  );
}

export function ButtonLink({
  variant = 'secondary',
  small = false,
  className = '',
  ...rest
}: LinkProps & Appearance): ReactNode {
  return <Link {...rest} className={`${buttonClass(variant, small)} ${className}`} />;
}

/** A button that looks like a link in a sentence. */
export function TextButton({ className = '', ...rest }: ComponentProps<'button'>): ReactNode {
  return (
    <button
      type="button"
      {...rest}
      className={`control-small inline-flex items-center rounded-control font-medium text-accent underline decoration-from-font underline-offset-2 hover:no-underline ${className}`}
    />
  );
}
