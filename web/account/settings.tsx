import { lazy, type ReactNode, Suspense, useEffect, useState } from 'react';
import { ThemeChoice } from '../layout/theme-choice.tsx';
import { zoneChoice } from '../time/zone.ts';
import { announce } from '../ui/announcer.tsx';
import { labelClass } from '../ui/field.tsx';
import { Icon } from '../ui/icons.tsx';
import { themeChoice } from '../ui/theme.ts';
import { Section } from './section.tsx';

const ZoneSwitch = lazy(() => import('../layout/zone-switch.tsx'));

/** Settings of this browser, which apply at once. */
export function Settings(): ReactNode {
  const [saved, setSaved] = useState(false);
  useEffect(() => {
    const onChange = (): void => {
      setSaved(true);
      announce('saved', { sentence: 'Saved' });
    };
    const ends = [themeChoice.subscribe(onChange), zoneChoice.subscribe(onChange)];
    return () => {
      for (const end of ends) end();
    };
  }, []);
  return (
    <Section
      id="settings"
      title="This browser"
      action={
        saved ? (
          <p className="flex items-center gap-1.5 text-success">
            <Icon name="check" /> Saved
          </p>
        ) : null
      }
    >
      <div className="max-w-[400px] space-y-4">
        <ThemeChoice />
        <div className="space-y-1">
          <p aria-hidden="true" className={labelClass}>
            Time zone
          </p>
          <Suspense fallback={<div className="input" />}>
            <ZoneSwitch id="account-zone" />
          </Suspense>
        </div>
      </div>
    </Section>
  );
}
