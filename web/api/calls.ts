import type {
  Download,
  ExportDocument,
  ExportEstimate,
  ExportList,
  ExportSort,
  Manifest,
  PublicStatus,
} from '../../lib/contracts/export-document.ts';
import type { ExportPreview } from '../../lib/contracts/export-preview.ts';
import type { ExportRequest } from '../../lib/contracts/export-request.ts';
import type { Health } from '../../lib/contracts/health.ts';
import type { SignInMethods } from '../../lib/contracts/oidc.ts';
import type { Session } from '../../lib/contracts/sessions.ts';
import type { Dataset, Histogram, SourceList } from '../../lib/contracts/sources.ts';
import { call, callAnonymously, json, retryAfter } from './client.ts';

/** A request with its required fields; the server adds the defaults of the others. */
export type NewExport = Pick<ExportRequest, 'sources' | 'dataset' | 'format'> &
  Partial<ExportRequest>;

export interface ListFilters {
  status: PublicStatus | null;
  format: ExportRequest['format'] | null;
  source: string | null;
  /** Words that an export has to contain. */
  search: string;
  showDownloaded: boolean;
  sort: ListSort;
}

export type ListSort = ExportSort;

export const newestFirst: ListSort = { by: 'createdAt', descending: true };

/** Returns the order as the API writes it: `-rows`. */
export const sortText = ({ by, descending }: ListSort): string => `${descending ? '-' : ''}${by}`;

/** The answer to a conditional GET; `document` is null for 304. */
export interface ExportAnswer {
  document: ExportDocument | null;
  etag: string | null;
  /** Seconds until the next poll, from `Retry-After`; null without the header. */
  retryAfter: number | null;
}

export async function createSession(email: string, password: string): Promise<Session> {
  return json(await callAnonymously('/sessions', { method: 'POST', body: { email, password } }));
}

export async function getSignInMethods(signal: AbortSignal): Promise<SignInMethods> {
  return json(await callAnonymously('/sign-in-methods', { signal }));
}

export async function getHealth(signal: AbortSignal): Promise<Health> {
  return json(await callAnonymously('/health', { signal }));
}

export async function listSources(signal: AbortSignal): Promise<SourceList> {
  return json(await call('/sources', { signal }));
}

/** Returns a dataset with all its columns. */
export async function getDataset(
  source: string,
  dataset: string,
  signal: AbortSignal,
): Promise<Dataset> {
  const [sourceName, datasetName] = [source, dataset].map(encodeURIComponent);
  return json(await call(`/sources/${sourceName}/datasets/${datasetName}`, { signal }));
}

export async function getHistogram(
  source: string,
  dataset: string,
  signal: AbortSignal,
): Promise<Histogram> {
  const [sourceName, datasetName] = [source, dataset].map(encodeURIComponent);
  return json(await call(`/sources/${sourceName}/datasets/${datasetName}/histogram`, { signal }));
}

/** Returns the expected size and duration of an export. */
export async function estimateExport(
  request: NewExport,
  signal: AbortSignal,
): Promise<ExportEstimate> {
  return json(await call('/exports/estimate', { method: 'POST', body: request, signal }));
}

/** Returns the first rows of the file. */
export async function previewExport(
  request: NewExport,
  signal: AbortSignal,
): Promise<ExportPreview> {
  return json(await call('/exports/preview', { method: 'POST', body: request, signal }));
}

export async function listExports(
  { status, format, source, search, showDownloaded, sort }: ListFilters,
  cursor: string | null,
  signal: AbortSignal,
): Promise<ExportList> {
  const query = new URLSearchParams({ limit: '50' });
  if (!showDownloaded) query.set('downloaded', 'false');
  if (status !== null) query.set('status', status);
  if (format !== null) query.set('format', format);
  if (source !== null) query.set('source', source);
  if (search !== '') query.set('search', search);
  if (sort !== newestFirst) query.set('sort', sortText(sort));
  // The counts are those of the whole list, so its first page has them.
  if (cursor === null) query.set('counts', 'true');
  else query.set('cursor', cursor);
  return json(await call(`/exports?${query}`, { signal }));
}

export async function createExport(request: NewExport, key: string): Promise<ExportDocument> {
  return json(
    await call('/exports', { method: 'POST', body: request, headers: { 'Idempotency-Key': key } }),
  );
}

export async function getExport(
  id: string,
  etag: string | null,
  signal: AbortSignal,
): Promise<ExportAnswer> {
  const response = await call(path(id), {
    signal,
    accept: [304],
    headers: etag === null ? {} : { 'If-None-Match': etag },
  });
  return {
    document: response.status === 304 ? null : await json<ExportDocument>(response),
    etag: response.headers.get('ETag') ?? etag,
    retryAfter: retryAfter(response),
  };
}

/** Cancels or deletes an export. Returns its document; null if the export is deleted. */
export async function removeExport(id: string): Promise<ExportDocument | null> {
  const response = await call(path(id), { method: 'DELETE' });
  return response.status === 204 ? null : json(response);
}

/** Runs an export again under its id. Its status is failed, cancelled or expired. */
export async function retryExport(id: string): Promise<ExportDocument> {
  return json(await call(`${path(id)}/retry`, { method: 'POST' }));
}

export async function requestDownload(id: string): Promise<Download> {
  return json(await call(`${path(id)}/download`, { method: 'POST' }));
}

export async function getManifest(id: string, signal: AbortSignal): Promise<Manifest> {
  return json(await call(`${path(id)}/manifest`, { signal }));
}

const path = (id: string): string => `/exports/${encodeURIComponent(id)}`;
