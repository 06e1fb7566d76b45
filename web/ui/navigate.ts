/** Opens an address as a link would: the page stays, because what is there is an attachment, or is saved. */
export function visit(url: string, saveAs?: string): void {
  const link = document.createElement('a');
  link.href = url;
  if (saveAs !== undefined) link.download = saveAs;
  link.hidden = true;
  document.body.append(link);
  link.click();
  link.remove();
}

/** Gives the browser a text to save under a name. */
export function saveJson(name: string, text: string): void {
  const url = URL.createObjectURL(new Blob([text], { type: 'application/json' }));
  visit(url, name);
  // The browser may take a while to begin.
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
