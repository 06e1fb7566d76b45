import { stored } from '../state/stored.ts';

export const themes = ['system', 'light', 'dark'] as const;
export type Theme = (typeof themes)[number];

const isTheme = (found: unknown): found is Theme => themes.some((theme) => theme === found);

/** Applied before the first paint by public/theme.js, which reads the same key. */
export const themeChoice = stored(localStorage, 'streamsync.theme', (found) =>
  isTheme(found) ? found : 'system',
);

themeChoice.subscribe(() => {
  const theme = themeChoice.get();
  if (theme === 'system') delete document.documentElement.dataset['theme'];
  else document.documentElement.dataset['theme'] = theme;
});
