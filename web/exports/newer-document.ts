import type { ExportDocument } from '../../lib/contracts/export-document.ts';

type State = Pick<ExportDocument, 'status' | 'startedAt' | 'downloadedAt'> & {
  progress: Pick<ExportDocument['progress'], 'rows'>;
};

export const isActive = ({ status }: Pick<ExportDocument, 'status'>): boolean =>
  status === 'queued' || status === 'running';

/** Returns whether a document is of an earlier state of its export than another: messages and answers may cross. */
export function isOlder(document: State, than: State): boolean {
  const [startedAt, thanStartedAt] = [startOf(document), startOf(than)];
  if (startedAt !== thanStartedAt) return startedAt < thanStartedAt;
  if (isActive(document) !== isActive(than)) return isActive(document);
  if (than.downloadedAt !== null && document.downloadedAt === null) return true;
  return isActive(document) && document.progress.rows < than.progress.rows;
}

/** A run that waits has no start, nor has an export that runs again. */
const startOf = ({ startedAt }: State): number => (startedAt === null ? 0 : Date.parse(startedAt));
