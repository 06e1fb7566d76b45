/** How the button of a menu looks, before and after there is a menu behind it. */
export const moreButton =
  'control-small grid aspect-square place-items-center rounded-control text-muted transition-colors hover:bg-hover hover:text-text aria-expanded:bg-hover';
