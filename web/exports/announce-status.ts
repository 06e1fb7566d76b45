import type { ExportDocument } from '../../lib/contracts/export-document.ts';
import { resolveZone, zoneChoice } from '../time/zone.ts';
import { announce } from '../ui/announcer.tsx';
import { exportTitle } from './labels.ts';
import { notify } from './notifications.ts';
import { countInTitle } from './title-count.ts';

const plural = (word: string) => (count: number) => `${count} exports ${word}`;

/** Announces a new status of an export. It compares two documents, so that each change is announced once. */
export function announceStatusChange(before: ExportDocument, after: ExportDocument): void {
  const name = exportTitle(after, resolveZone(zoneChoice.get()));
  if (after.downloadedAt !== null && before.downloadedAt === null)
    announce('downloaded', { sentence: `${name} downloaded`, several: plural('downloaded') });
  if (after.status === before.status) return;
  switch (after.status) {
    case 'ready':
      announce('ready', { sentence: `${name} is ready`, several: plural('ready') });
      countInTitle();
      notify(after, `${name} is ready`);
      return;
    case 'failed':
      announce('failed', {
        sentence: `${name} failed. ${after.error?.message ?? ''}`,
        several: plural('failed'),
      });
      notify(after, `${name} failed`, after.error?.message);
      return;
    case 'cancelled':
      announce('cancelled', { sentence: `${name} cancelled`, several: plural('cancelled') });
      return;
    case 'expired':
      announce('expired', { sentence: `${name} expired`, several: plural('expired') });
      return;
    case 'queued':
    case 'running':
      return;
    default:
      after.status satisfies never;
  }
}
