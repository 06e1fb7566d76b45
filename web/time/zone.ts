import { stored, useStored } from '../state/stored.ts';

/** `browser` follows the system; anything else is an IANA name. */
export const zoneChoice = stored(localStorage, 'streamsync.zone', (found) =>
  typeof found === 'string' && isZone(found) ? found : 'browser',
);

export const browserZone = (): string => new Intl.DateTimeFormat().resolvedOptions().timeZone;

/** The IANA zone that every time on the page is shown in. */
export function useZone(): string {
  return resolveZone(useStored(zoneChoice));
}

export const resolveZone = (choice: string): string =>
  choice === 'browser' ? browserZone() : choice;

function isZone(name: string): boolean {
  if (name === 'browser') return true;
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone !== '';
  } catch {
    return false;
  }
}
