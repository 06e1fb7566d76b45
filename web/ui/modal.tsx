import { type PointerEvent, type ReactNode, useEffect, useEffectEvent, useId, useRef } from 'react';
import { Button } from './button.tsx';
import { Icon } from './icons.tsx';

const sizes = { small: 'max-w-[440px]', wide: 'max-w-[720px]', table: 'max-w-[1200px]' };

interface Props {
  title: string;
  /** Called for Esc. Null if the dialog needs an answer. */
  onClose: (() => void) | null;
  /** The dialog only shows something: a button at its top and a press outside close it; title and actions stay visible. */
  isView?: boolean;
  /** `onClose` may keep the dialog open, to ask first. */
  asksFirst?: boolean;
  /** The id of the element that takes the focus if the element that had it is gone. */
  returnFocusTo?: string;
  /** The width for a text, for a list of entries, or for a table. */
  size?: keyof typeof sizes;
  children: ReactNode;
}

/** A modal dialog on the browser's `<dialog>`: the focus stays inside, and the rest of the page is inert. */
export function Modal({
  title,
  onClose,
  isView = false,
  asksFirst = false,
  returnFocusTo,
  size = 'small',
  children,
}: Props): ReactNode {
  const dialog = useRef<HTMLDialogElement>(null);
  const titleId = useId();
  const fallback = useEffectEvent(() =>
    returnFocusTo === undefined ? null : document.getElementById(returnFocusTo),
  );

  useEffect(() => {
    const previousFocus = document.activeElement;
    const element = dialog.current;
    element?.showModal();
    // React applies autoFocus before the dialog is open, and does not write the attribute.
    const initialFocus = element?.querySelector<HTMLElement>('[data-initial-focus]');
    (initialFocus ?? element?.querySelector('h2'))?.focus();
    return () => {
      element?.close();
      const target =
        previousFocus?.isConnected && previousFocus !== document.body ? previousFocus : fallback();
      if (target instanceof HTMLElement) target.focus();
    };
  }, []);

  return (
    <dialog
      ref={dialog}
      aria-labelledby={titleId}
      className={`max-h-[calc(100dvh-32px)] w-[calc(100vw-32px)] overflow-y-auto rounded-card bg-background p-6 text-text shadow-overlay ${sizes[size]}`}
      onPointerDown={(event) => {
        // The backdrop belongs to the dialog; a press on it is outside its box.
        if (isView && event.target === event.currentTarget && isOutside(event)) onClose?.();
      }}
      onCancel={(event) => {
        event.preventDefault();
        onClose?.();
      }}
      onKeyDown={(event) => {
        // Chrome closes a dialog on the second Esc even if the cancel event was prevented.
        if (event.key !== 'Escape' || (onClose !== null && !asksFirst)) return;
        event.preventDefault();
        onClose?.();
      }}
    >
      <div
        className={
          isView
            ? 'sticky -top-6 z-1 -mx-6 -mt-6 flex items-start justify-between gap-4 bg-background px-6 pt-6 pb-2'
            : ''
        }
      >
        <h2 id={titleId} tabIndex={-1} className="text-lg font-semibold text-balance wrap-anywhere">
          {title}
        </h2>
        {isView ? (
          <Button
            small
            variant="quiet"
            aria-label="Close"
            className="px-2"
            onClick={() => onClose?.()}
          >
            <Icon name="cross" />
          </Button>
        ) : null}
      </div>
      {children}
    </dialog>
  );
}

function isOutside({ clientX, clientY, currentTarget }: PointerEvent): boolean {
  const { left, right, top, bottom } = currentTarget.getBoundingClientRect();
  return clientX < left || clientX > right || clientY < top || clientY > bottom;
}

/** The buttons of a dialog. `sticky`: they stay visible while the dialog scrolls. */
export function ModalActions({
  sticky = false,
  children,
}: {
  sticky?: boolean;
  children: ReactNode;
}): ReactNode {
  return (
    <div
      className={`flex flex-wrap justify-end gap-3 ${sticky ? 'sticky -bottom-6 -mx-6 -mb-6 bg-background px-6 pt-4 pb-6' : 'mt-6'}`}
    >
      {children}
    </div>
  );
}
