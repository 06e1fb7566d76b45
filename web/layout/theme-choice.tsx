import { type ReactNode, useId } from 'react';
import { useStored } from '../state/stored.ts';
import { Icon, type IconName } from '../ui/icons.tsx';
import { type Theme, themeChoice, themes } from '../ui/theme.ts';

const options: Record<Theme, { label: string; icon: IconName }> = {
  system: { label: 'System', icon: 'screen' },
  light: { label: 'Light', icon: 'sun' },
  dark: { label: 'Dark', icon: 'moon' },
};

export function ThemeChoice(): ReactNode {
  const chosen = useStored(themeChoice);
  // The page of the account has the choice twice.
  const name = useId();
  return (
    <fieldset>
      <legend className="mb-1 text-xs font-medium text-muted">Theme</legend>
      <div className="grid grid-cols-3 gap-1 rounded-card bg-surface p-1">
        {themes.map((theme) => (
          <label
            key={theme}
            className="control-small relative flex cursor-pointer items-center justify-center gap-1.5 rounded-control px-2 text-sm text-muted hover:text-text has-checked:bg-background has-checked:font-medium has-checked:text-text has-checked:shadow-raised has-focus-visible:outline-2 has-focus-visible:outline-accent"
          >
            <input
              type="radio"
              name={name}
              value={theme}
              checked={theme === chosen}
              onChange={() => themeChoice.set(theme)}
              className="absolute inset-0 cursor-pointer opacity-0"
            />
            <Icon name={options[theme].icon} />
            {options[theme].label}
          </label>
        ))}
      </div>
    </fieldset>
  );
}
