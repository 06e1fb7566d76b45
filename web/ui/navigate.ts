/** Opens an address as a link does. The page stays: the answer is an attachment, or is saved under a name. */
export function navigate(url: string, saveAs?: string): void {
  const link = document.createElement('a');
  link.href = url;
  if (saveAs !== undefined) link.download = saveAs;
  link.hidden = true;
  document.body.append(link);
  link.click();
  link.remove();
}

/** Lets the browser save a text under a name. */
export const saveJson = (name: string, text: string): void =>
  saveBlob(name, new Blob([text], { type: 'application/json' }));

export function saveBlob(name: string, content: Blob): void {
  const url = URL.createObjectURL(content);
  navigate(url, name);
  // The browser may start to read the URL later.
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
