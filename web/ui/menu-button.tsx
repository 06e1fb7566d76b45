import type { ReactNode } from 'react';
import { Button } from 'react-aria-components/Button';
import { Menu, MenuItem, MenuTrigger } from 'react-aria-components/Menu';
import { Popover } from 'react-aria-components/Popover';
import { Text } from 'react-aria-components/Text';
import { disclosureButtonClass } from './disclosure-button.ts';
import { Icon } from './icons.tsx';

interface MenuEntry {
  label: string;
  /** A line below the label. */
  detail?: string;
  danger?: boolean;
  onAction: () => void;
}

interface Props {
  id: string;
  label: string;
  entries: readonly MenuEntry[];
  /** The state of the placeholder that it replaces: focused, or pressed. */
  initialState: 'focused' | 'open';
}

export default function MenuButton({ id, label, entries, initialState }: Props): ReactNode {
  return (
    <MenuTrigger defaultOpen={initialState === 'open'}>
      <Button id={id} aria-label={label} autoFocus className={disclosureButtonClass}>
        <Icon name="more" />
      </Button>
      <Popover
        placement="bottom end"
        offset={4}
        className="min-w-[200px] rounded-card bg-background p-1 shadow-overlay"
      >
        <Menu className="outline-none">
          {entries.map(({ label: text, detail, danger = false, onAction }) => (
            <MenuItem
              key={text}
              onAction={onAction}
              textValue={text}
              className={`control-small flex cursor-pointer flex-col justify-center rounded-control px-2 py-1 text-sm outline-none data-focused:bg-hover ${danger ? 'text-danger' : ''}`}
            >
              <Text slot="label">{text}</Text>
              {detail ? (
                <Text slot="description" className="text-xs text-muted">
                  {detail}
                </Text>
              ) : null}
            </MenuItem>
          ))}
        </Menu>
      </Popover>
    </MenuTrigger>
  );
}
