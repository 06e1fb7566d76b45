import { authenticate } from '../../lib/access/authenticate.ts';
import { loadExport, toDocument } from '../../lib/exports/documents.ts';
import { retryExport } from '../../lib/exports/retry.ts';
import { relayWithin } from '../../lib/messaging/outbox.ts';
import { catalogue } from '../../lib/runtime/catalogue.ts';
import { http } from '../../lib/runtime/http.ts';
import { dispatch } from '../../lib/scheduling/dispatch.ts';

/** As for a new export: with Kafka away the answer is 202 all the same. */
const relayMilliseconds = 300;

/** POST /exports/{id}/retry */
export const handler = http(authenticate, async ({ account, uuid }) => {
  const id = uuid('id');
  await retryExport(account, id);
  await dispatch();
  await relayWithin(relayMilliseconds);
  return {
    status: 202,
    headers: { location: `/api/v1/exports/${id}`, 'retry-after': '1' },
    body: toDocument(await loadExport(catalogue(), id)),
  };
});
