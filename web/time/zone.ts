import { stored, useStored } from '../state/stored.ts';

/** `browser` follows the system; every other value is an IANA name. */
export const zoneChoice = stored(localStorage, 'streamsync.zone', (saved) =>
  typeof saved === 'string' && isZone(saved) ? saved : 'browser',
);

export const browserZone = (): string => new Intl.DateTimeFormat().resolvedOptions().timeZone;

/** Returns the IANA zone of every time on the page. */
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
