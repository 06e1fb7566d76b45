import { useMutation, useQueryClient } from '@tanstack/react-query';
import type { ExportDocument } from '../../lib/contracts/export-document.ts';
import { removeExport, requestDownload, retryExport } from '../api/calls.ts';
import { describe, isStatus } from '../api/errors.ts';
import { SignedOutError } from '../session/session.ts';
import { announce } from '../ui/announcer.tsx';
import { visit } from '../ui/visit.ts';
import { exportName, rowId } from './names.ts';
import { useExportsPageState } from './page-state.tsx';
import { adopt, exportQuery, forgetAnswers, patch } from './queries.ts';
import { queuedSentence } from './status-text.ts';

interface Actions {
  download: () => void;
  downloading: boolean;
  /** Cancels what waits or runs, deletes what has ended. */
  remove: () => void;
  /** Runs it again under its id, where it ended without a file or its file is gone. */
  retry: () => void;
  retrying: boolean;
  copy: (what: string, text: string) => void;
}

/** What can be done with an export; the outcome stands in its row. */
export function useActions(document: ExportDocument): Actions {
  const client = useQueryClient();
  const { setNote } = useExportsPageState();
  const { id } = document;

  const failed = (error: unknown): void => {
    if (error instanceof SignedOutError) return;
    const { message, reference } = describe(error);
    // What is not allowed any more can be asked for otherwise.
    const text = isStatus(error, 422)
      ? `${message} “Duplicate” opens the form to change it.`
      : message;
    setNote(id, { tone: 'danger', text, reference });
    announce('refused', { sentence: text });
    // A refusal means that the export is not what the page shows.
    if (isStatus(error, 404, 409, 410)) void client.refetchQueries(exportQuery(id));
  };

  const download = useMutation({
    mutationFn: () => requestDownload(id),
    onMutate: () => setNote(id, null),
    onSuccess: ({ url }) => {
      visit(url);
      setNote(id, { tone: 'plain', text: 'Download started', reference: null });
      announce('download', { sentence: `Download of ${exportName(document)} started` });
      patch(client, id, { downloadStartedAt: Date.now(), unchanged: 0 });
    },
    onError: failed,
  });

  const remove = useMutation({
    mutationFn: () => removeExport(id),
    onMutate: () => setNote(id, null),
    onSuccess: (left) => {
      if (left) {
        patch(client, id, { cancelling: true, unchanged: 0 });
        adopt(client, left);
        return;
      }
      patch(client, id, { gone: true });
      announce('deleted', { sentence: `${exportName(document)} deleted` });
    },
    onError: failed,
  });

  const retry = useMutation({
    mutationFn: () => retryExport(id),
    onMutate: () => setNote(id, null),
    onSuccess: async (queued) => {
      // The button is about to go; whoever stands on it is taken to what it belongs to.
      const pressed = window.document.getElementById(againId(id));
      if (pressed === window.document.activeElement)
        (
          window.document.getElementById(rowId(id)) ??
          window.document.querySelector<HTMLElement>('h1')
        )?.focus();
      await forgetAnswers(client, id);
      patch(client, id, { downloadStartedAt: null, unchanged: 0 });
      adopt(client, queued);
      announce('queued', { sentence: queuedSentence(exportName(queued), queued) });
    },
    onError: failed,
  });

  return {
    retry: () => retry.mutate(),
    retrying: retry.isPending,
    download: () => download.mutate(),
    downloading: download.isPending,
    remove: () => remove.mutate(),
    copy: (what, text) => {
      navigator.clipboard
        .writeText(text)
        .then(() => {
          setNote(id, { tone: 'plain', text: `Copied as ${what}`, reference: null });
          announce('copied', { sentence: `Copied as ${what}` });
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
export const againId = (id: string): string => `again-${id}`;
