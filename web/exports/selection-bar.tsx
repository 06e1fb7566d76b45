import { type ReactNode, useState } from 'react';
import type { ExportDocument } from '../../lib/contracts/export-document.ts';
import { useZone } from '../time/zone.ts';
import { Button } from '../ui/button.tsx';
import { exportTitle, formatLabels } from './labels.ts';
import { isActive } from './newer-document.ts';
import type { PollingState } from './polling-state.ts';
import { RemovalDialog } from './removal-dialog.tsx';
import { useExportActions } from './use-actions.ts';

interface Props {
  selected: readonly PollingState[];
  onClear: () => void;
}

/** Calls of one action at a time. Downloads are one by one: so the browser saves them. */
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
  const run = (
    of: readonly ExportDocument[],
    action: typeof actions.remove,
    atOnce: number,
  ): void => {
    setBusy(true);
    void runAll(of, (document) => action(document, 'several'), atOnce).finally(() =>
      setBusy(false),
    );
  };
  const remove = (of: readonly ExportDocument[]): void => run(of, actions.remove, callsAtOnce);

  return (
    <div
      role="toolbar"
      aria-label="Selected exports"
      className="flex min-h-9 flex-wrap items-center gap-2"
    >
      <p role="status" className="mr-1 font-medium">{`${selected.length} selected`}</p>
      {ready.length > 0 ? (
        <Button small busy={busy} onClick={() => run(ready, actions.download, 1)}>
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
        <SeveralDialog
          documents={active}
          verb="Cancel"
          consequence="The rows written so far are discarded."
          keep="Keep running"
          onClose={() => setAsked(null)}
          onConfirm={() => remove(active)}
        />
      ) : null}
      {asked === 'delete' ? (
        <SeveralDialog
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

function SeveralDialog({
  documents,
  verb,
  ...dialog
}: {
  documents: readonly ExportDocument[];
  verb: 'Cancel' | 'Delete';
  consequence: string;
  keep: string;
  onClose: () => void;
  onConfirm: () => void;
}): ReactNode {
  const zone = useZone();
  const action = `${verb} ${documents.length} ${documents.length === 1 ? 'export' : 'exports'}`;
  return (
    <RemovalDialog title={`${action}?`} confirm={action} {...dialog}>
      <ul className="mt-3 list-disc space-y-1 pl-5 wrap-anywhere">
        {documents.slice(0, maxNamed).map((document) => (
          <li key={document.id}>
            {`${exportTitle(document, zone)}, ${formatLabels[document.request.format]}`}
          </li>
        ))}
        {documents.length > maxNamed ? <li>{`and ${documents.length - maxNamed} more`}</li> : null}
      </ul>
    </RemovalDialog>
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
