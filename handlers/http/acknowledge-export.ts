import { authenticate } from '../../lib/access/authenticate.ts';
import { acknowledgementSchema } from '../../lib/contracts/export-document.ts';
import { acknowledge } from '../../lib/delivery/acknowledge.ts';
import { findExport } from '../../lib/exports/documents.ts';
import { relay } from '../../lib/messaging/outbox.ts';
import { catalogue } from '../../lib/runtime/catalogue.ts';
import { http } from '../../lib/runtime/http.ts';

/** POST /exports/{id}/acknowledge */
export const handler = http(authenticate, async ({ account, param, body }) => {
  const { sha256 } = body(acknowledgementSchema);
  await acknowledge(await findExport(catalogue(), account.id, param('id')), sha256);
  void relay();
  return { status: 204 };
});
