import { authenticate } from '../../lib/access/authenticate.ts';
import { toDocument } from '../../lib/exports/export-document.ts';
import { loadExport } from '../../lib/exports/export-record.ts';
import { retryExport } from '../../lib/exports/lifecycle/rerun.ts';
import { relayWithTimeout } from '../../lib/messaging/outbox.ts';
import { catalogue } from '../../lib/runtime/catalogue.ts';
import { httpHandler } from '../../lib/runtime/http-handler.ts';
import { dispatch } from '../../lib/scheduling/dispatch.ts';

/** As for a new export: the answer is 202 even if Kafka is down. */
const relayMs = 300;

/** POST /exports/{id}/retry */
export const handler = httpHandler(authenticate, async ({ account, uuid }) => {
  const id = uuid('id');
  await retryExport(account, id);
  await dispatch();
  await relayWithTimeout(relayMs);
  return {
    status: 202,
    headers: { location: `/api/v1/exports/${id}`, 'retry-after': '1' },
    body: toDocument(await loadExport(catalogue(), id)),
  };
});
