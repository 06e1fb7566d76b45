import { useMutation, useQueryClient } from '@tanstack/react-query';
import type { ExportDocument } from '../../lib/contracts/export-document.ts';
import { removeExport, requestDownload, retryExport } from '../api/calls.ts';
import { describeError, isStatus } from '../api/errors.ts';
import { SignedOutError } from '../session/session.ts';
import { clock } from '../time/format.ts';
import { useZone } from '../time/zone.ts';
import { announce } from '../ui/announcer.tsx';
import { navigate } from '../ui/navigate.ts';
import { exportName, rowId } from './labels.ts';
import { useExportsPageState } from './page-state.tsx';
import { cancelExportQueries, exportQuery, patchCached, setCached } from './queries.ts';
import { rememberDownload } from './started-downloads.ts';
import { queuedSentence } from './status-text.ts';

interface Actions {
  download: () => void;
  downloading: boolean;
  /** Cancels an export that is queued or running; deletes any other. */
  remove: () => void;
  /** Runs an export again under its id. Its status is failed, cancelled or expired. */
  retry: () => void;
  retrying: boolean;
  copy: (format: string, text: string) => void;
}

/** Returns the actions of an export. Their results are shown in its row. */
export function useActions(document: ExportDocument): Actions {
  const client = useQueryClient();
  const { setNote } = useExportsPageState();
  const zone = useZone();
  const { id } = document;

  const showError = (error: unknown): void => {
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

  const download = useMutation({
    mutationFn: () => requestDownload(id),
    onMutate: () => setNote(id, null),
    onSuccess: ({ url }) => {
      navigate(url);
      const startedAt = new Date();
      const text = `Download started ${clock(zone, startedAt.toISOString())}`;
      setNote(id, { tone: 'plain', text, reference: null });
      announce('download', { sentence: `Download of ${exportName(document)} started` });
      rememberDownload(document, startedAt.getTime());
      patchCached(client, id, { downloadStartedAt: startedAt.getTime(), unchanged: 0 });
    },
    onError: showError,
  });

  const remove = useMutation({
    mutationFn: () => removeExport(id),
    onMutate: () => setNote(id, null),
    onSuccess: (remaining) => {
      if (remaining) {
        patchCached(client, id, { cancelling: true, unchanged: 0 });
        setCached(client, remaining);
        return;
      }
      patchCached(client, id, { gone: true });
      announce('deleted', { sentence: `${exportName(document)} deleted` });
    },
    onError: showError,
  });

  const retry = useMutation({
    mutationFn: () => retryExport(id),
    onMutate: () => setNote(id, null),
    onSuccess: async (queued) => {
      // The button disappears. If it has the focus, the focus moves to the row, or to the heading.
      const button = window.document.getElementById(retryButtonId(id));
      if (button === window.document.activeElement)
        (
          window.document.getElementById(rowId(id)) ??
          window.document.querySelector<HTMLElement>('h1')
        )?.focus();
      await cancelExportQueries(client, id);
      patchCached(client, id, { downloadStartedAt: null, unchanged: 0 });
      setCached(client, queued);
      announce('queued', { sentence: queuedSentence(exportName(queued), queued) });
    },
    onError: showError,
  });

  return {
    retry: () => retry.mutate(),
    retrying: retry.isPending,
    download: () => download.mutate(),
    downloading: download.isPending,
    remove: () => remove.mutate(),
    copy: (format, text) => {
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
