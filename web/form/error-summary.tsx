import { type ReactNode, type RefObject } from 'react';
import { Button } from '../ui/button.tsx';
import { Reference } from '../ui/panels.tsx';
import type { Draft, FieldName, FormError } from './draft.ts';

interface Props {
  ref: RefObject<HTMLDivElement | null>;
  errors: readonly FormError[];
  reference: string | null;
  fieldId: (field: FieldName | 'options') => string;
  onOffer: (part: Partial<Draft>) => void;
}

/** Above the form after a submit that was refused; it takes focus, its links focus the fields. */
export function ErrorSummary({ ref, errors, reference, fieldId, onOffer }: Props): ReactNode {
  if (errors.length === 0) return null;
  return (
    <div
      ref={ref}
      role="alert"
      tabIndex={-1}
      aria-labelledby="error-summary-title"
      className="rounded-card border border-danger bg-danger/8 p-4"
    >
      <h2 id="error-summary-title" className="font-semibold text-danger">
        There is a problem
      </h2>
      <ul className="mt-1">
        {errors.map(({ field, message, offer }) => (
          <li key={`${field} ${message}`} className="wrap-anywhere">
            {field === null ? (
              message
            ) : (
              <a
                href={`#${fieldId(field)}`}
                className="control-small inline-flex items-center rounded-control text-danger underline underline-offset-2 hover:no-underline"
                onClick={(event) => {
                  event.preventDefault();
                  // What is behind the button “More options” may not be there.
                  const at =
                    document.getElementById(fieldId(field)) ??
                    document.getElementById(fieldId('options'));
                  at?.focus();
                }}
              >
                {message}
              </a>
            )}
            {offer ? (
              <Button small className="mt-2 mb-1" onClick={() => onOffer(offer.part)}>
                {offer.label}
              </Button>
            ) : null}
          </li>
        ))}
      </ul>
      <Reference id={reference} />
    </div>
  );
}
