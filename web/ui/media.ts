import { useSyncExternalStore } from 'react';

/** Whether form and list stand side by side. The same width as `lg:` in the style sheet. */
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
