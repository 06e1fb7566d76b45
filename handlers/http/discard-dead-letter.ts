import { administrator } from '../../lib/access/authenticate.ts';
import { discardDeadLetter } from '../../lib/admin/dead-letters.ts';
import { httpHandler } from '../../lib/runtime/http-handler.ts';

/** DELETE /admin/dead-letters/{topic}/{partition}/{offset} */
export const handler = httpHandler(
  administrator('discard dead letters'),
  async ({ account, param }) => {
    await discardDeadLetter(account, {
      topic: param('topic'),
      partition: param('partition'),
      offset: param('offset'),
    });
    return { status: 204 };
  },
);
