import { authenticate } from '../../lib/access/authenticate.ts';
import { answerCancel } from '../../lib/exports/answer-cancel.ts';
import { deleteExport } from '../../lib/exports/lifecycle/delete.ts';
import { httpHandler } from '../../lib/runtime/http-handler.ts';

/** DELETE /exports/{id} */
export const handler = httpHandler(authenticate, async ({ account, uuid }) => {
  const result = await deleteExport(account.id, uuid('id'));
  return result.was === 'ended' ? { status: 204 } : answerCancel(result);
});
