import { useLayoutEffect } from 'react';

const margin = 8;

/** Keeps the popover with this id next to its button while the caller is rendered. */
export function usePopoverPlacement(id: string): void {
  useLayoutEffect(() => {
    const popover = document.getElementById(id);
    const button = document.querySelector(`[popovertarget="${id}"]`);
    if (!popover || !button) return;
    const place = (): void => placeAt(popover, button);
    place();
    // A part of the content may load later, and the button may move.
    const observer = new ResizeObserver(place);
    observer.observe(popover);
    document.addEventListener('scroll', place, { capture: true, passive: true });
    window.addEventListener('resize', place);
    return () => {
      observer.disconnect();
      document.removeEventListener('scroll', place, { capture: true });
      window.removeEventListener('resize', place);
    };
  }, [id]);
}

/** Places it below the button, above it if only there is space, and always inside the window. */
function placeAt(popover: HTMLElement, button: Element): void {
  const anchor = button.getBoundingClientRect();
  const { width, height } = popover.getBoundingClientRect();
  const fits = (top: number): boolean => top >= margin && top + height <= innerHeight - margin;
  const [below, above] = [anchor.bottom + 4, anchor.top - 4 - height];
  const lowest = Math.max(margin, innerHeight - margin - height);
  const top = fits(below) ? below : fits(above) ? above : lowest;
  const left = Math.max(margin, Math.min(anchor.left, innerWidth - margin - width));
  popover.style.top = `${top}px`;
  popover.style.left = `${left}px`;
}
