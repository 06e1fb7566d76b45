import { type ReactNode, useEffect, useEffectEvent, useId, useRef } from 'react';

const sizes = { small: 'max-w-[440px]', wide: 'max-w-[720px]', table: 'max-w-[1200px]' };

interface Props {
  title: string;
  /** Esc. Null: this dialog cannot be left without an answer. */
  onClose: (() => void) | null;
  /** Where focus goes when the element that had it is gone. */
  returnFocusTo?: string;
  /** Room for a text, for a list of entries, for a table. */
  size?: keyof typeof sizes;
  children: ReactNode;
}

/** A modal dialog on the browser's own: focus is kept inside, the rest of the page is inert. */
export function Modal({
  title,
  onClose,
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
    const before = document.activeElement;
    const element = dialog.current;
    element?.showModal();
    // React's autoFocus comes too early for a dialog, and its attribute is not written.
    const wanted = element?.querySelector<HTMLElement>('[data-initial-focus]');
    (wanted ?? element?.querySelector('h2'))?.focus();
    return () => {
      element?.close();
      const target = before?.isConnected && before !== document.body ? before : fallback();
      if (target instanceof HTMLElement) target.focus();
    };
  }, []);

  return (
    <dialog
      ref={dialog}
      aria-labelledby={titleId}
      className={`max-h-[calc(100dvh-32px)] w-[calc(100vw-32px)] overflow-y-auto rounded-card bg-background p-6 text-text shadow-overlay ${sizes[size]}`}
      onCancel={(event) => {
        event.preventDefault();
        onClose?.();
      }}
      onKeyDown={(event) => {
        // Chrome closes a dialog on the second Esc whatever the cancel event says.
        if (event.key === 'Escape' && onClose === null) event.preventDefault();
      }}
    >
      <h2 id={titleId} tabIndex={-1} className="text-lg font-semibold text-balance wrap-anywhere">
        {title}
      </h2>
      {children}
    </dialog>
  );
}

export function ModalActions({ children }: { children: ReactNode }): ReactNode {
  return <div className="mt-6 flex flex-wrap justify-end gap-3">{children}</div>;
}
