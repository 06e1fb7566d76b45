import { authenticate } from '../../lib/access/authenticate.ts';
import { requireReady } from '../../lib/exports/export-document.ts';
import { findExport } from '../../lib/exports/export-record.ts';
import { requireStillGranted } from '../../lib/exports/rights.ts';
import { catalogue } from '../../lib/runtime/catalogue.ts';
import { httpHandler } from '../../lib/runtime/http-handler.ts';

/** GET /exports/{id}/manifest */
export const handler = httpHandler(authenticate, async ({ account, uuid }) => {
  const record = await findExport(catalogue(), account.id, uuid('id'));
  const { manifest } = requireReady(record);
  await requireStillGranted(record.id);
  return { status: 200, body: manifest };
});
