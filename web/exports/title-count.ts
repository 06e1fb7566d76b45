const count = /^\(\d+\) /;

/** Counts an export that has become ready in the title of the page, `(2) Exports`, while its tab is hidden. */
export function countInTitle(): void {
  if (!document.hidden) return;
  const counted = Number(count.exec(document.title)?.[0].replaceAll(/\D/g, '') ?? 0);
  document.title = `(${counted + 1}) ${document.title.replace(count, '')}`;
  if (counted === 0) document.addEventListener('visibilitychange', removeCount, { once: true });
}

function removeCount(): void {
  document.title = document.title.replace(count, '');
}
