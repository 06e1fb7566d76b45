import { type ReactNode, useState } from 'react';
import { useStored } from '../state/stored.ts';
import { offsetName, zoneName } from '../time/format.ts';
import { browserZone, zoneChoice } from '../time/zone.ts';
import ComboBox, { type Option } from '../ui/combobox.tsx';

/** The one switch that decides the zone of every time and date field of the page. */
export default function ZoneSwitch({ id }: { id: string }): ReactNode {
  const chosen = useStored(zoneChoice);
  const [options, setOptions] = useState(() => firstOptions(chosen));
  return (
    <ComboBox
      id={id}
      label="Time zone"
      labelHidden
      options={options}
      value={chosen}
      onChange={(zone) => zoneChoice.set(zone)}
      onOpen={() => setOptions(allOptions())}
      empty="No zone of that name."
    />
  );
}

function allOptions(): Option[] {
  return [
    ...firstOptions('browser'),
    ...Intl.supportedValuesOf('timeZone')
      .filter((zone) => zone !== 'UTC')
      .map((zone) => option(zone)),
  ];
}

function firstOptions(chosen: string): Option[] {
  const own: Option = {
    ...option(browserZone()),
    id: 'browser',
    name: `${browserZone()} (browser)`,
  };
  const usual = [own, option('UTC')];
  return usual.some(({ id }) => id === chosen) ? usual : [...usual, option(chosen)];
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
