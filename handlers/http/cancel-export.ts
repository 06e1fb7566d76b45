import { administrator } from '../../lib/access/authenticate.ts';
import { toDocument } from '../../lib/exports/export-document.ts';
import { cancelAnyExport } from '../../lib/exports/lifecycle/cancel.ts';
import { relay } from '../../lib/messaging/outbox.ts';
import { httpHandler } from '../../lib/runtime/http-handler.ts';
import { dispatch } from '../../lib/scheduling/dispatch.ts';

/** POST /admin/exports/{id}/cancel */
export const handler = httpHandler(
  administrator('cancel the exports of others'),
  async ({ uuid }) => {
    const { was, record } = await cancelAnyExport(uuid('id'));
    if (was === 'running')
      return { status: 202, headers: { 'retry-after': '1' }, body: toDocument(record) };
    // The slot of the export is free for another one.
    await dispatch();
    void relay();
    return { status: 200, body: toDocument(record) };
  },
);
