import type { ReactNode } from 'react';
import { Button } from 'react-aria-components/Button';
import { Menu, MenuItem, MenuTrigger } from 'react-aria-components/Menu';
import { Popover } from 'react-aria-components/Popover';
import { Text } from 'react-aria-components/Text';
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
}

export default function MenuButton({ id, label, entries }: Props): ReactNode {
  return (
    <MenuTrigger>
      <Button
        id={id}
        aria-label={label}
        className="control-small grid aspect-square place-items-center rounded-control text-muted transition-colors hover:bg-hover hover:text-text aria-expanded:bg-hover"
      >
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
