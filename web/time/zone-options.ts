import type { Option } from '../ui/combobox.tsx';
import { offsetName, zoneName } from './format.ts';

/** A zone with an id and a name of its own, such as `Europe/Berlin (browser)`. */
interface NamedZone {
  id: string;
  zone: string;
  name: string;
}

/** Returns the zones that the field needs before its list is opened: the named zone, UTC and the chosen zone. */
export function fewZones({ id, zone, name }: NamedZone, chosen: string | null): Option[] {
  const usual = [{ ...option(zone), id, name }, option('UTC')];
  return chosen === null || usual.some((zoneOption) => zoneOption.id === chosen)
    ? usual
    : [...usual, option(chosen)];
}

/** Returns all zones to choose from. */
export function zoneOptions(named: NamedZone, chosen: string | null): Option[] {
  const all = Intl.supportedValuesOf('timeZone').filter((zone) => zone !== 'UTC');
  return [
    ...fewZones(named, chosen !== null && all.includes(chosen) ? null : chosen),
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
