import { authenticate } from '../../lib/access/authenticate.ts';
import { toDocument } from '../../lib/exports/documents.ts';
import { removeExport } from '../../lib/exports/remove.ts';
import { relay } from '../../lib/messaging/outbox.ts';
import { http } from '../../lib/runtime/http.ts';
import { dispatch } from '../../lib/scheduling/dispatch.ts';

/** DELETE /exports/{id} */
export const handler = http(authenticate, async ({ account, uuid }) => {
  const removed = await removeExport(account.id, uuid('id'));
  switch (removed.was) {
    case 'queued':
      // Its slot is free for the next one.
      await dispatch();
      void relay();
      return { status: 200, body: toDocument(removed.record) };
    case 'running':
      return { status: 202, headers: { 'retry-after': '1' }, body: toDocument(removed.record) };
    case 'ended':
      return { status: 204 };
    default:
      return removed satisfies never;
  }
});
