import { authenticate } from '../../lib/access/authenticate.ts';
import type { ExportDocument } from '../../lib/contracts/export-document.ts';
import { toDocument } from '../../lib/exports/export-document.ts';
import { findExport } from '../../lib/exports/export-record.ts';
import { catalogue } from '../../lib/runtime/catalogue.ts';
import { withEtag } from '../../lib/runtime/etag.ts';
import { httpHandler } from '../../lib/runtime/http-handler.ts';

/** GET /exports/{id} */
export const handler = httpHandler(authenticate, async ({ account, uuid, header }) => {
  const document = toDocument(await findExport(catalogue(), account.id, uuid('id')));
  return withEtag(document, header('if-none-match'), retryAfter(document));
});

/** Returns 1 s for the first 30 s of an export, then 3 s: most exports end within 30 s. */
function retryAfter({ status, createdAt }: ExportDocument): Record<string, string> {
  if (status !== 'queued' && status !== 'running') return {};
  return { 'retry-after': Date.now() - Date.parse(createdAt) < 30_000 ? '1' : '3' };
}
