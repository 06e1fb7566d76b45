import { authenticate } from '../../lib/access/authenticate.ts';
import { acknowledgementSchema } from '../../lib/contracts/export-document.ts';
import { acknowledge } from '../../lib/delivery/acknowledge.ts';
import { findExport } from '../../lib/exports/export-record.ts';
import { relay } from '../../lib/messaging/outbox.ts';
import { catalogue } from '../../lib/runtime/catalogue.ts';
import { httpHandler } from '../../lib/runtime/http-handler.ts';

/** POST /exports/{id}/acknowledge */
export const handler = httpHandler(authenticate, async ({ account, uuid, body }) => {
  const record = await findExport(catalogue(), account.id, uuid('id'));
  await acknowledge(record, body(acknowledgementSchema).sha256);
  void relay();
  return { status: 204 };
});
