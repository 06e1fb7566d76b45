import { administrator } from '../../lib/access/authenticate.ts';
import { answerCancel } from '../../lib/exports/answer-cancel.ts';
import { cancelAnyExport } from '../../lib/exports/lifecycle/cancel.ts';
import { httpHandler } from '../../lib/runtime/http-handler.ts';

/** POST /admin/exports/{id}/cancel */
export const handler = httpHandler(
  administrator('cancel the exports of others'),
  async ({ uuid }) => answerCancel(await cancelAnyExport(uuid('id'))),
);
