import type { ExportDocument } from '../../lib/contracts/export-document.ts';
import { stored } from '../state/stored.ts';

/** `key` names one file of one export: a rerun has another. */
interface StartedDownload {
  key: string;
  startedAtMs: number;
}

const maxRemembered = 500;

/** The last downloads that this browser started, oldest first. */
const startedDownloads = stored(localStorage, 'streamsync.downloads', (saved): StartedDownload[] =>
  Array.isArray(saved) ? saved.filter(isStartedDownload) : [],
);

export function rememberDownload(document: ExportDocument, startedAtMs: number): void {
  const key = keyOf(document);
  const others = startedDownloads.get().filter((download) => download.key !== key);
  startedDownloads.set([...others, { key, startedAtMs }].slice(-maxRemembered));
}

/** Returns when this browser started to download the file of an export, in ms; null if it did not. */
export function rememberedDownloadAt(document: ExportDocument): number | null {
  if (document.file === null) return null;
  const key = keyOf(document);
  return startedDownloads.get().find((download) => download.key === key)?.startedAtMs ?? null;
}

const keyOf = ({ id, file }: ExportDocument): string => `${id} ${file?.sha256 ?? ''}`;

function isStartedDownload(saved: unknown): saved is StartedDownload {
  if (typeof saved !== 'object' || saved === null) return false;
  if (!('key' in saved && 'startedAtMs' in saved)) return false;
  return typeof saved.key === 'string' && typeof saved.startedAtMs === 'number';
}
