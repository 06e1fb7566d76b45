import { type ReactNode, useState } from 'react';
import type { ExportDocument } from '../../lib/contracts/export-document.ts';
import { useZone } from '../time/zone.ts';
import { Button } from '../ui/button.tsx';
import { Modal, ModalActions } from '../ui/modal.tsx';
import { exportTitle, formatLabels } from './labels.ts';
import { isActive } from './newer-document.ts';
import type { PollingState } from './polling-state.ts';
import { useExportActions } from './use-actions.ts';

interface Props {
  selected: readonly PollingState[];
  onClear: () => void;
}

/** Calls of one action at a time. */
const callsAtOnce = 4;
/** Exports that a dialog names. */
const maxNamed = 6;

/** The actions on all selected exports, in place of the filters. */
export default function SelectionBar({ selected, onClear }: Props): ReactNode {
  const actions = useExportActions();
  const [asked, setAsked] = useState<'cancel' | 'delete' | null>(null);
  const [busy, setBusy] = useState(false);
  const documents = selected.map(({ document }) => document);
  const ready = documents.filter(({ status }) => status === 'ready');
  const active = documents.filter(isActive);
  const ended = documents.filter((document) => !isActive(document));
  const remove = (of: readonly ExportDocument[]): void => {
    setBusy(true);
    void runAll(of, (document) => actions.remove(document, 'several'), callsAtOnce).finally(() =>
      setBusy(false),
    );
  };

  return (
    <div
      role="toolbar"
      aria-label="Selected exports"
      className="flex min-h-9 flex-wrap items-center gap-2"
    >
      <p role="status" className="mr-1 font-medium">{`${selected.length} selected`}</p>
      {ready.length > 0 ? (
        <Button
          small
          busy={busy}
          onClick={() => {
            setBusy(true);
            // The browser saves one after the other.
            void runAll(ready, (document) => actions.download(document, 'several'), 1).finally(() =>
              setBusy(false),
            );
          }}
        >
          {`Download ${ready.length}`}
        </Button>
      ) : null}
      {active.length > 0 ? (
        <Button small busy={busy} onClick={() => setAsked('cancel')}>
          {`Cancel ${active.length}`}
        </Button>
      ) : null}
      {ended.length > 0 ? (
        <Button small busy={busy} onClick={() => setAsked('delete')}>
          {`Delete ${ended.length}`}
        </Button>
      ) : null}
      <Button small variant="quiet" onClick={onClear}>
        Clear selection
      </Button>
      {asked === 'cancel' ? (
        <RemoveDialog
          documents={active}
          verb="Cancel"
          consequence="The rows written so far are discarded."
          keep="Keep running"
          onClose={() => setAsked(null)}
          onConfirm={() => remove(active)}
        />
      ) : null}
      {asked === 'delete' ? (
        <RemoveDialog
          documents={ended}
          verb="Delete"
          consequence="Their files are removed now."
          keep="Keep in list"
          onClose={() => setAsked(null)}
          onConfirm={() => remove(ended)}
        />
      ) : null}
    </div>
  );
}

function RemoveDialog({
  documents,
  verb,
  consequence,
  keep,
  onClose,
  onConfirm,
}: {
  documents: readonly ExportDocument[];
  verb: 'Cancel' | 'Delete';
  consequence: string;
  keep: string;
  onClose: () => void;
  onConfirm: () => void;
}): ReactNode {
  const zone = useZone();
  const count = `${documents.length} ${documents.length === 1 ? 'export' : 'exports'}`;
  return (
    <Modal title={`${verb} ${count}?`} onClose={onClose}>
      <ul className="mt-3 list-disc space-y-1 pl-5 wrap-anywhere">
        {documents.slice(0, maxNamed).map((document) => (
          <li key={document.id}>
            {`${exportTitle(document, zone)}, ${formatLabels[document.request.format]}`}
          </li>
        ))}
        {documents.length > maxNamed ? <li>{`and ${documents.length - maxNamed} more`}</li> : null}
      </ul>
      <p className="mt-3 text-muted">{consequence}</p>
      <ModalActions>
        <Button data-initial-focus onClick={onClose}>
          {keep}
        </Button>
        <Button
          variant="danger"
          onClick={() => {
            onConfirm();
            onClose();
          }}
        >
          {`${verb} ${count}`}
        </Button>
      </ModalActions>
    </Modal>
  );
}

/** Runs an action on each export, a few at a time. */
async function runAll(
  documents: readonly ExportDocument[],
  action: (document: ExportDocument) => Promise<boolean>,
  atOnce: number,
): Promise<void> {
  const waiting = [...documents];
  const work = async (): Promise<void> => {
    for (let next = waiting.shift(); next; next = waiting.shift()) await action(next);
  };
  await Promise.all(Array.from({ length: atOnce }, work));
}
