import type { ReactNode } from 'react';
import type { ExportDocument } from '../../lib/contracts/export-document.ts';
import { useZone } from '../time/zone.ts';
import { TextButton } from '../ui/button.tsx';
import { Icon } from '../ui/icons.tsx';
import { Note } from '../ui/panels.tsx';
import { exportTitle } from './labels.ts';

interface Props {
  /** At least one. */
  documents: readonly ExportDocument[];
  onDismiss: () => void;
  onShow: () => void;
}

/** Says which files left the list because they were downloaded, until it is dismissed. */
export default function DownloadedNote({ documents, onDismiss, onShow }: Props): ReactNode {
  const zone = useZone();
  const [first, ...others] = documents;
  if (!first) return null;
  const subject = others.length === 0 ? exportTitle(first, zone) : `${documents.length} exports`;
  return (
    <Note tone="success" onDismiss={onDismiss}>
      <Icon name="check" className="text-success" />
      <span>{`${subject} downloaded.`}</span>
      <TextButton onClick={onShow}>Show downloaded</TextButton>
    </Note>
  );
}
