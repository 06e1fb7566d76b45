import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import type { ExportDocument, Manifest } from '../../lib/contracts/export-document.ts';
import { exactTime } from '../time/format.ts';
import { useZone } from '../time/zone.ts';
import { announce } from '../ui/announcer.tsx';
import { Button } from '../ui/button.tsx';
import { CopyButton } from '../ui/copy-button.tsx';
import { Disclosure, Entry } from '../ui/details.tsx';
import { Icon } from '../ui/icons.tsx';
import { Modal, ModalActions } from '../ui/modal.tsx';
import { saveJson } from '../ui/navigate.ts';
import { FailedPanel, Skeleton } from '../ui/panels.tsx';
import { bytes, formatExact, rowCount } from '../ui/quantity.ts';
import { Choices } from './choice-entries.tsx';
import { consistencyLabels, exportName } from './labels.ts';
import { manifestQuery } from './queries.ts';
import { manifestName, Signature } from './signature.tsx';
import { Units } from './unit-list.tsx';

interface Props {
  document: ExportDocument;
  returnFocusTo: string;
  onClose: () => void;
}

export default function ManifestDialog({ document, returnFocusTo, onClose }: Props): ReactNode {
  const { data, error, refetch } = useQuery(manifestQuery(document));
  return (
    <Modal
      size="wide"
      title={`Manifest of ${exportName(document)}`}
      onClose={onClose}
      returnFocusTo={returnFocusTo}
    >
      <div className="mt-4">
        {data ? (
          <ManifestBody manifest={data} />
        ) : error ? (
          <FailedPanel what="the manifest" error={error} onRetry={() => void refetch()} />
        ) : (
          <Skeleton label="Loading the manifest" rows={4} />
        )}
      </div>
      <ModalActions>
        {data ? <SaveButton manifest={data} /> : null}
        <Button onClick={onClose}>Close</Button>
      </ModalActions>
    </Modal>
  );
}

function ManifestBody({ manifest }: { manifest: Manifest }): ReactNode {
  const zone = useZone();
  const { file, request, sources, columns, createdBy, consistency } = manifest;
  return (
    <div className="space-y-4">
      <dl className="grid gap-x-6 gap-y-3 sm:grid-cols-[140px_1fr]">
        <Entry term="Rows">{formatExact(file.rows)}</Entry>
        <Entry term="Size">{`${bytes(file.bytes)} (${formatExact(file.bytes)} bytes)`}</Entry>
        <Entry term="SHA-256">
          <span className="flex flex-wrap items-center gap-2">
            <code className="min-w-0 font-mono text-xs break-all">{file.sha256}</code>
            <CopyButton what="SHA-256" text={file.sha256} />
          </span>
        </Entry>
        <Choices request={request} />
        <Entry term="Rows as of">
          {consistencyLabels[consistency]}
          <Units manifest={manifest} />
        </Entry>
        <Entry term="Created by">{createdBy}</Entry>
        <Entry term="Signature">
          <Signature manifest={manifest} />
        </Entry>
      </dl>
      {sources.map(({ name, rows, rowsWithoutTime, asOf, lsn, rowSecurity }) => (
        <section key={name} aria-label={`Source ${name}`} className="rounded-card bg-surface p-4">
          <h3 className="mb-3 font-semibold">{`Source ${name}`}</h3>
          <dl className="grid gap-x-6 gap-y-3 sm:grid-cols-[140px_1fr]">
            <Entry term={consistency === 'snapshot' ? 'Snapshot' : 'First moment'}>
              <time dateTime={asOf}>{exactTime(zone, asOf)}</time>
            </Entry>
            <Entry term="LSN">
              <code className="font-mono text-xs">{lsn}</code>
            </Entry>
            <Entry term="Rows">{formatExact(rows)}</Entry>
            {rowSecurity ? (
              <Entry term="Row security">
                Only the rows that the policies of the database show to the role of this source
              </Entry>
            ) : null}
            <Entry term="Left out (no time)">{rowCount(rowsWithoutTime)}</Entry>
          </dl>
        </section>
      ))}
      <Disclosure title={`Columns (${columns.length})`}>
        <ul className="mt-2 columns-1 gap-6 sm:columns-2">
          {columns.map(({ name, databaseType }) => (
            <li key={name} className="flex justify-between gap-3 py-0.5">
              <span className="wrap-anywhere">{name}</span>
              <span className="text-muted">{databaseType}</span>
            </li>
          ))}
        </ul>
      </Disclosure>
      <RawJson text={manifestText(manifest)} />
    </div>
  );
}

const manifestText = (manifest: Manifest): string => JSON.stringify(manifest, null, 2);

function SaveButton({ manifest }: { manifest: Manifest }): ReactNode {
  return (
    <Button
      onClick={() => {
        const name = manifestName(manifest);
        saveJson(name, `${manifestText(manifest)}\n`);
        announce('download', { sentence: `${name} saved` });
      }}
    >
      <Icon name="down" />
      Save manifest
    </Button>
  );
}

function RawJson({ text }: { text: string }): ReactNode {
  return (
    <Disclosure title="Raw JSON">
      <div className="mt-2 space-y-2">
        <CopyButton what="manifest" text={text} />
        <textarea
          readOnly
          rows={16}
          spellCheck={false}
          aria-label="Raw JSON of the manifest"
          value={text}
          className="block w-full resize-y rounded-card border border-line bg-surface p-4 font-mono text-xs"
        />
      </div>
    </Disclosure>
  );
}
