import { authenticate } from '../../lib/access/authenticate.ts';
import { findExport, requireReady } from '../../lib/exports/documents.ts';
import { catalogue } from '../../lib/runtime/catalogue.ts';
import { http } from '../../lib/runtime/http.ts';

/** GET /exports/{id}/manifest */
export const handler = http(authenticate, async ({ account, uuid }) => {
  const { manifest } = requireReady(await findExport(catalogue(), account.id, uuid('id')));
  return { status: 200, body: manifest };
});
