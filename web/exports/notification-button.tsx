import { type ReactNode, useState } from 'react';
import { useStored } from '../state/stored.ts';
import { announce } from '../ui/announcer.tsx';
import { Icon } from '../ui/icons.tsx';
import { askForNotifications, notificationChoice } from './notifications.ts';

/** Switches notifications of ready and failed exports, for the time that the tab is hidden. */
export function NotificationButton(): ReactNode {
  const isOn = useStored(notificationChoice);
  const [denied, setDenied] = useState(false);
  const change = async (): Promise<void> => {
    if (isOn) return notificationChoice.set(false);
    const granted = await askForNotifications();
    setDenied(!granted);
    announce('notifications', {
      sentence: granted ? 'You are notified while the tab is hidden' : deniedText,
    });
  };
  return (
    <>
      {denied ? <p className="max-w-[28ch] text-xs text-danger">{deniedText}</p> : null}
      <button
        type="button"
        aria-pressed={isOn}
        aria-label="Notify me when exports are ready"
        title="Notify me when exports are ready, while this tab is hidden"
        className="control-small grid aspect-square place-items-center rounded-control text-muted hover:bg-hover hover:text-text aria-pressed:text-accent"
        onClick={() => void change()}
      >
        <Icon name={isOn ? 'bellOn' : 'bell'} />
      </button>
    </>
  );
}

const deniedText = 'The browser does not allow notifications. Allow them for this site.';
