import type { ExportDocument } from '../../lib/contracts/export-document.ts';
import { stored } from '../state/stored.ts';

/** Whether the user asked for notifications in this browser. */
export const notificationChoice = stored(
  localStorage,
  'streamsync.notifications',
  (saved) => saved === true && 'Notification' in window && Notification.permission === 'granted',
);

/** Asks the browser for the permission. Returns false if the user or the browser denies it. */
export async function askForNotifications(): Promise<boolean> {
  const granted =
    'Notification' in window && (await Notification.requestPermission()) === 'granted';
  notificationChoice.set(granted);
  return granted;
}

/** Notifies of an export while its tab is hidden, if the user asked for it. A press opens the page of the export. */
export function notify({ id }: ExportDocument, title: string, body?: string): void {
  if (!document.hidden || !notificationChoice.get()) return;
  const notification = new Notification(title, { tag: id, ...(body !== undefined && { body }) });
  notification.addEventListener('click', () => {
    window.focus();
    location.assign(`/exports/${id}`);
    notification.close();
  });
}
