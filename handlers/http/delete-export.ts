import { authenticate } from '../../lib/access/authenticate.ts';
import { toDocument } from '../../lib/exports/export-document.ts';
import { deleteExport } from '../../lib/exports/lifecycle/delete.ts';
import { relay } from '../../lib/messaging/outbox.ts';
import { httpHandler } from '../../lib/runtime/http-handler.ts';
import { dispatch } from '../../lib/scheduling/dispatch.ts';

/** DELETE /exports/{id} */
export const handler = httpHandler(authenticate, async ({ account, uuid }) => {
  const result = await deleteExport(account.id, uuid('id'));
  switch (result.was) {
    case 'queued':
      // The slot of the export is free for another one.
      await dispatch();
      void relay();
      return { status: 200, body: toDocument(result.record) };
    case 'running':
      return { status: 202, headers: { 'retry-after': '1' }, body: toDocument(result.record) };
    case 'ended':
      return { status: 204 };
    default:
      return result satisfies never;
  }
});
