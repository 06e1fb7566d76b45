import { type ReactNode, type RefObject } from 'react';
import { Button } from '../ui/button.tsx';
import { Reference } from '../ui/panels.tsx';
import type { Draft, FieldName, FormError } from './draft.ts';

interface Props {
  ref: RefObject<HTMLDivElement | null>;
  errors: readonly FormError[];
  reference: string | null;
  fieldId: (field: FieldName | HiddenBy) => string;
  onOffer: (patch: Partial<Draft>) => void;
}

type HiddenBy = 'range' | 'conditions-button' | 'options';

/** The buttons that show hidden fields. The fields that are not listed are in “More options”. */
const buttons: Partial<Record<FieldName, HiddenBy>> = {
  from: 'range',
  to: 'range',
  conditions: 'conditions-button',
};

/** The errors above the form after a failed submit. It takes the focus; its links focus the fields. */
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
                  focusField(fieldId(field), fieldId(buttons[field] ?? 'options'));
                }}
              >
                {message}
              </a>
            )}
            {offer ? (
              <Button small className="mt-2 mb-1" onClick={() => onOffer(offer.patch)}>
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

/** The code of hidden fields may have to be loaded. */
const waitMs = 3_000;

/** Focuses a field. A hidden one does not exist until the button that shows it is pressed. */
function focusField(id: string, buttonId: string): void {
  const button = document.getElementById(buttonId);
  if (!document.getElementById(id)) {
    button?.focus();
    if (button?.getAttribute('aria-expanded') === 'false') button.click();
  }
  const end = performance.now() + waitMs;
  const tryFocus = (): void => {
    const field = document.getElementById(id);
    if (field) field.focus();
    else if (performance.now() < end) requestAnimationFrame(tryFocus);
  };
  tryFocus();
}
