import { createHash } from 'node:crypto';
import { authenticate } from '../../lib/access/authenticate.ts';
import type { ExportDocument } from '../../lib/contracts/export-document.ts';
import { findExport, toDocument } from '../../lib/exports/documents.ts';
import { catalogue } from '../../lib/runtime/catalogue.ts';
import { http } from '../../lib/runtime/http.ts';

/** GET /exports/{id} */
export const handler = http(authenticate, async ({ account, uuid, header }) => {
  const document = toDocument(await findExport(catalogue(), account.id, uuid('id')));
  const etag = `"${createHash('sha256').update(JSON.stringify(document)).digest('base64url').slice(0, 27)}"`;
  const headers = { etag, 'cache-control': 'private, no-cache', ...retryAfter(document) };
  const known = (header('if-none-match') ?? '')
    .split(',')
    .map((tag) => tag.trim().replace(/^W\//, ''));
  return known.includes(etag) ? { status: 304, headers } : { status: 200, headers, body: document };
});

/** Short exports are over in a moment; for long ones a question every few seconds is enough. */
function retryAfter({ status, createdAt }: ExportDocument): Record<string, string> {
  if (status !== 'queued' && status !== 'running') return {};
  return { 'retry-after': Date.now() - Date.parse(createdAt) < 30_000 ? '1' : '3' };
}
