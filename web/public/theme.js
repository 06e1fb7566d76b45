// Runs before the first paint: a theme chosen earlier must not flash in afterwards.
try {
  const theme = JSON.parse(localStorage.getItem('streamsync.theme') ?? 'null');
  if (theme === 'light' || theme === 'dark') document.documentElement.dataset.theme = theme;
} catch {
  // Storage is off or holds something else: the system's theme stays.
}
