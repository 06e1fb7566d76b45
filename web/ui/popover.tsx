import { type ReactNode, type Ref, useImperativeHandle, useRef, useState } from 'react';

export interface PopoverHandle {
  /** Closes it. The focus returns to the button. */
  close: () => void;
}

interface Props {
  ref: Ref<PopoverHandle>;
  /** The id that the button has as `popoverTarget`. */
  id: string;
  label: string;
  onToggle: (open: boolean) => void;
  /** Rendered while it is open. */
  children: () => ReactNode;
}

/**
 * A dialog above the page, next to the button that opens it, on the browser's popover: Esc and a press elsewhere close
 * it, and the press also reaches what is there. The content calls `usePopoverPlacement`.
 */
export function Popover({ ref, id, label, onToggle, children }: Props): ReactNode {
  const element = useRef<HTMLDivElement>(null);
  const [open, setOpen] = useState(false);
  useImperativeHandle(ref, () => ({ close: () => element.current?.hidePopover() }), []);

  return (
    <div
      ref={element}
      id={id}
      popover="auto"
      role="dialog"
      aria-label={label}
      tabIndex={-1}
      className="fixed inset-auto m-0 max-h-[calc(100dvh-16px)] max-w-[calc(100vw-16px)] overflow-y-auto rounded-card bg-background p-4 text-text shadow-overlay outline-none empty:invisible"
      onToggle={({ newState, target, currentTarget }) => {
        // The event of an element inside bubbles in React.
        if (target !== currentTarget) return;
        setOpen(newState === 'open');
        onToggle(newState === 'open');
      }}
    >
      {open ? children() : null}
    </div>
  );
}
