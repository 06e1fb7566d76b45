import { authenticate } from '../../lib/access/authenticate.ts';
import { findExport, requireReady } from '../../lib/exports/documents.ts';
import { requireStillGranted } from '../../lib/exports/rights.ts';
import { catalogue } from '../../lib/runtime/catalogue.ts';
import { http } from '../../lib/runtime/http.ts';

/** GET /exports/{id}/manifest */
export const handler = http(authenticate, async ({ account, uuid }) => {
  const record = await findExport(catalogue(), account.id, uuid('id'));
  const { manifest } = requireReady(record);
  requireStillGranted(account, record.request);
  return { status: 200, body: manifest };
});
