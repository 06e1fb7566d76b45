/** The style of the button of a menu, with and without a loaded menu. */
export const disclosureButtonClass =
  'control-small grid aspect-square place-items-center rounded-control text-muted transition-colors hover:bg-hover hover:text-text aria-expanded:bg-hover';
