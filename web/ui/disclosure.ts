import { type RefObject, useEffect, useEffectEvent, useRef, useState } from 'react';

interface Disclosure {
  open: boolean;
  toggle: () => void;
  close: () => void;
  /** The element around the button and its content. */
  container: RefObject<HTMLDivElement | null>;
  button: RefObject<HTMLButtonElement | null>;
}

/** State for content that a button shows and hides. Esc and a press elsewhere hide it; Esc returns the focus to the button. */
export function useDisclosure(): Disclosure {
  const [open, setOpen] = useState(false);
  const container = useRef<HTMLDivElement>(null);
  const button = useRef<HTMLButtonElement>(null);
  const close = useEffectEvent(() => setOpen(false));

  useEffect(() => {
    if (!open) return;
    const onKey = (event: KeyboardEvent): void => {
      if (event.key !== 'Escape' || event.defaultPrevented) return;
      close();
      button.current?.focus();
    };
    const onPress = (event: PointerEvent): void => {
      const inside = event.target instanceof Element && isWithin(event.target, container.current);
      if (!inside) close();
    };
    document.addEventListener('keydown', onKey);
    document.addEventListener('pointerdown', onPress);
    return () => {
      document.removeEventListener('keydown', onKey);
      document.removeEventListener('pointerdown', onPress);
    };
  }, [open]);

  return {
    open,
    toggle: () => setOpen((isOpen) => !isOpen),
    close: () => setOpen(false),
    container,
    button,
  };
}

/** Returns whether the target is in the container. The list box of a field inside is drawn at the end of the body. */
function isWithin(target: Element, container: HTMLElement | null): boolean {
  return container?.contains(target) === true || target.closest('[role="listbox"]') !== null;
}
