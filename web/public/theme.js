// Runs before the first paint, so that a chosen theme does not flash in after it.
try {
  const theme = JSON.parse(localStorage.getItem('streamsync.theme') ?? 'null');
  if (theme === 'light' || theme === 'dark') document.documentElement.dataset.theme = theme;
} catch {
  // The storage is switched off or has another value: the theme of the system applies.
}
