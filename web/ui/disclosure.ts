import { type RefObject, useEffect, useEffectEvent, useRef, useState } from 'react';

interface Disclosure {
  open: boolean;
  toggle: () => void;
  close: () => void;
  /** Around the button and what it shows. */
  container: RefObject<HTMLDivElement | null>;
  button: RefObject<HTMLButtonElement | null>;
}

/** Something that a button shows and hides: Esc or a press elsewhere hides it, Esc gives focus back. */
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
    toggle: () => setOpen((now) => !now),
    close: () => setOpen(false),
    container,
    button,
  };
}

/** A list box that belongs to a field inside is drawn at the end of the body. */
function isWithin(target: Element, container: HTMLElement | null): boolean {
  return container?.contains(target) === true || target.closest('[role="listbox"]') !== null;
}
