import { type ReactNode, useState } from 'react';
import { useStored } from '../state/stored.ts';
import { browserZone, zoneChoice } from '../time/zone.ts';
import { fewZones, zoneOptions } from '../time/zone-options.ts';
import ComboBox from '../ui/combobox.tsx';

const browser = () => ({
  id: 'browser',
  zone: browserZone(),
  name: `${browserZone()} (browser)`,
});

/** The switch for the zone of every time and every date field of the page. */
export default function ZoneSwitch({ id }: { id: string }): ReactNode {
  const chosen = useStored(zoneChoice);
  const [options, setOptions] = useState(() => fewZones(browser(), chosen));
  return (
    <ComboBox
      id={id}
      label="Time zone"
      labelHidden
      options={options}
      value={chosen}
      onChange={(zone) => zoneChoice.set(zone)}
      onOpen={() => setOptions(zoneOptions(browser(), chosen))}
      empty="No zone of that name."
    />
  );
}
