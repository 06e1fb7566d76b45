import { useQueryClient } from '@tanstack/react-query';
import type { ExportDocument } from '../../lib/contracts/export-document.ts';
import { removeExport, requestDownload, retryExport } from '../api/calls.ts';
import { describeError, isStatus } from '../api/errors.ts';
import { SignedOutError } from '../session/session.ts';
import { clock } from '../time/format.ts';
import { useZone } from '../time/zone.ts';
import { announce } from '../ui/announcer.tsx';
import { navigate } from '../ui/navigate.ts';
import { exportTitle, rowId } from './labels.ts';
import { useExportsPageState } from './page-state.tsx';
import { cancelExportQueries, exportQuery, patchCached, setCached } from './queries.ts';
import { rememberDownload } from './started-downloads.ts';
import { queuedSentence } from './status-text.ts';

/** Whether the action is one of several at once, which are announced together. */
type Amount = 'one' | 'several';

/** The actions on exports. They show their errors in the row, and return whether they succeeded. */
interface ExportActions {
  download: (document: ExportDocument, amount?: Amount) => Promise<boolean>;
  /** Cancels an export that is queued or running; deletes any other. */
  remove: (document: ExportDocument, amount?: Amount) => Promise<boolean>;
  /** Runs an export again under its id. Its status is failed, cancelled or expired. */
  retry: (document: ExportDocument) => Promise<boolean>;
  copy: (document: ExportDocument, format: string, text: string) => void;
}

/** Returns the actions on the exports of the list. Their results are shown in the rows. */
export function useExportActions(): ExportActions {
  const client = useQueryClient();
  const { setNote } = useExportsPageState();
  const zone = useZone();

  const showError = (id: string, error: unknown): void => {
    if (error instanceof SignedOutError) return;
    const { message, reference } = describeError(error);
    // A request that is no longer valid can be changed in the form.
    const text = isStatus(error, 422)
      ? `${message} “Duplicate” opens the form to change it.`
      : message;
    setNote(id, { tone: 'danger', text, reference });
    announce('error', { sentence: text });
    // These errors mean that the export has changed since the page read it.
    if (isStatus(error, 404, 409, 410)) void client.refetchQueries(exportQuery(id));
  };

  /** Runs an action on an export, without its former note. */
  const attempt = async ({ id }: ExportDocument, action: () => Promise<void>): Promise<boolean> => {
    setNote(id, null);
    try {
      await action();
      return true;
    } catch (error) {
      showError(id, error);
      return false;
    }
  };

  return {
    download: (document, amount = 'one') =>
      attempt(document, async () => {
        const { id, file } = document;
        const { url } = await requestDownload(id);
        // Of several navigations at once the browser follows the last one only. A single one may lead to a page that says
        // why the file is refused.
        navigate(url, amount === 'several' ? file?.name : undefined);
        const startedAt = new Date();
        const text = `Download started ${clock(zone, startedAt.toISOString())}`;
        setNote(id, { tone: 'plain', text, reference: null });
        announce('download', {
          sentence: `Download of ${exportTitle(document, zone)} started`,
          ...(amount === 'several' && { several: (count) => `${count} downloads started` }),
        });
        rememberDownload(document, startedAt.getTime());
        patchCached(client, id, {
          downloadStartedAt: startedAt.getTime(),
          arrived: false,
          unchanged: 0,
        });
      }),
    remove: (document, amount = 'one') =>
      attempt(document, async () => {
        const { id } = document;
        const remaining = await removeExport(id);
        if (remaining) {
          patchCached(client, id, { cancelling: true, unchanged: 0 });
          setCached(client, remaining);
          return;
        }
        patchCached(client, id, { gone: true });
        announce('deleted', {
          sentence: `${exportTitle(document, zone)} deleted`,
          ...(amount === 'several' && { several: (count) => `${count} exports deleted` }),
        });
      }),
    retry: (document) =>
      attempt(document, async () => {
        const { id } = document;
        const queued = await retryExport(id);
        // The button disappears. If it has the focus, the focus moves to the row, or to the heading.
        if (window.document.activeElement?.id === retryButtonId(id))
          (
            window.document.getElementById(rowId(id)) ??
            window.document.querySelector<HTMLElement>('h1')
          )?.focus();
        await cancelExportQueries(client, id);
        patchCached(client, id, { downloadStartedAt: null, unchanged: 0 });
        setCached(client, queued);
        announce('queued', { sentence: queuedSentence(exportTitle(queued, zone), queued) });
      }),
    copy: ({ id }, format, text) => {
      navigator.clipboard
        .writeText(text)
        .then(() => {
          setNote(id, { tone: 'plain', text: `Copied as ${format}`, reference: null });
          announce('copied', { sentence: `Copied as ${format}` });
        })
        .catch(() =>
          setNote(id, {
            tone: 'danger',
            text: 'The browser did not allow copying. Allow the clipboard for this site.',
            reference: null,
          }),
        );
    },
  };
}

/** The id of the button that runs an export again. */
export const retryButtonId = (id: string): string => `retry-${id}`;
