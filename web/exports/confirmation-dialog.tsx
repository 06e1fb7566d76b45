import type { ReactNode } from 'react';
import type { ExportDocument } from '../../lib/contracts/export-document.ts';
import { useZone } from '../time/zone.ts';
import { formatApproximateRows } from '../ui/quantity.ts';
import { exportTitle, formatLabels } from './labels.ts';
import { isActive } from './newer-document.ts';
import { RemovalDialog } from './removal-dialog.tsx';

interface Texts {
  verb: 'Cancel' | 'Delete';
  consequence: string;
  keep: string;
  confirm: string;
}

/** Asks before an export that is queued or running is cancelled, or another one is deleted. */
export default function ConfirmationDialog({
  document,
  ...dialog
}: {
  document: ExportDocument;
  returnFocusTo: string;
  onClose: () => void;
  onConfirm: () => void;
}): ReactNode {
  const zone = useZone();
  const { verb, ...texts } = textsOf(document);
  return (
    <RemovalDialog title={`${verb} ${exportTitle(document, zone)}?`} {...texts} {...dialog}>
      <p className="mt-2 wrap-anywhere">
        {document.file?.name ?? formatLabels[document.request.format]}
      </p>
    </RemovalDialog>
  );
}

function textsOf(document: ExportDocument): Texts {
  const { status, progress } = document;
  if (isActive(document))
    return {
      verb: 'Cancel',
      consequence:
        progress.rows > 0
          ? `The ${formatApproximateRows(progress.rows)} written so far are discarded.`
          : 'No rows were written so far.',
      keep: status === 'queued' ? 'Keep waiting' : 'Keep running',
      confirm: 'Cancel export',
    };
  return status === 'ready'
    ? {
        verb: 'Delete',
        consequence: 'The file is removed now.',
        keep: 'Keep file',
        confirm: 'Delete file',
      }
    : {
        verb: 'Delete',
        consequence: 'The export has no file. It is removed from the list.',
        keep: 'Keep in list',
        confirm: 'Delete export',
      };
}
