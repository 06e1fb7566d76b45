import type { ComponentProps, ReactNode } from 'react';
import { Icon } from './icons.tsx';

export const labelClass = 'block text-xs font-medium text-muted';

export function FieldError({
  id,
  message,
}: {
  id: string;
  message: string | undefined;
}): ReactNode {
  return message ? (
    <p id={id} className="text-sm text-danger">
      {message}
    </p>
  ) : null;
}

/** A warning about the choice. It does not keep the form from being sent. */
export function FieldWarning({
  id,
  message,
}: {
  id: string;
  message: string | undefined;
}): ReactNode {
  return message ? (
    <p id={id} className="flex gap-1.5 text-sm text-warning wrap-anywhere">
      <Icon name="clock" className="mt-0.5" />
      {message}
    </p>
  ) : null;
}

/** A group of fields with one error. It can have the focus, so that the error summary can lead to it. */
export function FieldGroup({
  id,
  legend,
  legendHidden = false,
  error,
  children,
}: {
  id: string;
  legend: string;
  legendHidden?: boolean;
  error: string | undefined;
  children: ReactNode;
}): ReactNode {
  return (
    <fieldset
      id={id}
      tabIndex={-1}
      aria-describedby={error ? `${id}-error` : undefined}
      className="space-y-3 outline-none"
    >
      <legend className={legendHidden ? 'sr-only' : labelClass}>{legend}</legend>
      {children}
      <FieldError id={`${id}-error`} message={error} />
    </fieldset>
  );
}

interface FieldProps {
  id: string;
  label: string;
  error?: string | undefined;
  hint?: string;
}

export function TextField({
  id,
  label,
  error,
  hint,
  className = '',
  ...input
}: FieldProps & Omit<ComponentProps<'input'>, 'id'>): ReactNode {
  return (
    <div className={`space-y-1 ${className}`}>
      <label htmlFor={id} className={labelClass}>
        {label}
      </label>
      <input {...input} id={id} className="input" {...describedBy(id, error, hint)} />
      <FieldError id={`${id}-error`} message={error} />
      <Hint id={id} text={hint} />
    </div>
  );
}

export function SelectField({
  id,
  label,
  error,
  hint,
  children,
  ...select
}: FieldProps & Omit<ComponentProps<'select'>, 'id'>): ReactNode {
  return (
    <div className="space-y-1">
      <label htmlFor={id} className={labelClass}>
        {label}
      </label>
      <Select {...select} id={id} {...describedBy(id, error, hint)}>
        {children}
      </Select>
      <FieldError id={`${id}-error`} message={error} />
      <Hint id={id} text={hint} />
    </div>
  );
}

/** The browser's own list of choices, styled like the other fields. */
export function Select({ className = '', ...select }: ComponentProps<'select'>): ReactNode {
  return (
    <div className={`relative ${className}`}>
      <select {...select} className="input appearance-none pr-9 text-ellipsis" />
      <Icon
        name="chevron"
        className="pointer-events-none absolute inset-y-0 right-2.5 my-auto text-muted"
      />
    </div>
  );
}

function Hint({ id, text }: { id: string; text: string | undefined }): ReactNode {
  return text ? (
    <p id={`${id}-hint`} className="text-xs text-muted">
      {text}
    </p>
  ) : null;
}

/** Returns the attributes that tie a control to the error and the hint below it. */
export function describedBy(
  id: string,
  error: string | undefined,
  hint: string | undefined,
): { 'aria-invalid'?: true; 'aria-describedby'?: string } {
  const ids = [error && `${id}-error`, hint && `${id}-hint`].filter(Boolean).join(' ');
  return {
    ...(error && { 'aria-invalid': true }),
    ...(ids && { 'aria-describedby': ids }),
  };
}
