import type { Option } from '../ui/combobox.tsx';
import { offsetName, zoneName } from './format.ts';

/** A zone that has another id and name than its own, such as “as the browser”. */
interface OwnZone {
  id: string;
  zone: string;
  name: string;
}

/** Returns the zones that are shown before the list is opened: the own one, UTC, the chosen one. */
export function fewZones({ id, zone, name }: OwnZone, chosen: string | null): Option[] {
  const usual = [{ ...option(zone), id, name }, option('UTC')];
  return chosen === null || usual.some((known) => known.id === chosen)
    ? usual
    : [...usual, option(chosen)];
}

/** Returns all zones to choose from. */
export function zoneOptions(own: OwnZone, chosen: string | null): Option[] {
  const all = Intl.supportedValuesOf('timeZone').filter((zone) => zone !== 'UTC');
  return [
    ...fewZones(own, chosen !== null && all.includes(chosen) ? null : chosen),
    ...all.map(option),
  ];
}

function option(zone: string): Option {
  const now = new Date();
  const name = zoneName(zone, now);
  return {
    id: zone,
    name: zone,
    detail: zone === name ? '' : offsetName(zone, now),
    keywords: `${zone.replaceAll('_', ' ')} ${name}`,
  };
}
