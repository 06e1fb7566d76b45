import { stored } from '../state/stored.ts';

export const themes = ['system', 'light', 'dark'] as const;
export type Theme = (typeof themes)[number];

const isTheme = (saved: unknown): saved is Theme => themes.some((theme) => theme === saved);

/** Applied before the first paint by public/theme.js, which reads the same key. */
export const themeChoice = stored(localStorage, 'streamsync.theme', (saved) =>
  isTheme(saved) ? saved : 'system',
);

themeChoice.subscribe(() => {
  const theme = themeChoice.get();
  if (theme === 'system') delete document.documentElement.dataset['theme'];
  else document.documentElement.dataset['theme'] = theme;
});
