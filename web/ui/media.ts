import { useSyncExternalStore } from 'react';

/** Returns whether form and list are next to each other. The width is that of `lg:` in the style sheet. */
export const useWide = (): boolean => useMedia('(min-width: 64rem)');

function useMedia(query: string): boolean {
  return useSyncExternalStore(
    (listener) => {
      const media = matchMedia(query);
      media.addEventListener('change', listener);
      return () => media.removeEventListener('change', listener);
    },
    () => matchMedia(query).matches,
  );
}

/** Returns whether the system asks for dark pages. */
export const useDarkSystem = (): boolean => useMedia('(prefers-color-scheme: dark)');
