import { administrator } from '../../lib/access/authenticate.ts';
import { listDeadLetters } from '../../lib/admin/dead-letters.ts';
import { deadLettersQuerySchema } from '../../lib/contracts/admin.ts';
import { httpHandler } from '../../lib/runtime/http-handler.ts';

/** GET /admin/dead-letters */
export const handler = httpHandler(administrator('see dead letters'), async ({ query }) => ({
  status: 200,
  body: await listDeadLetters(query(deadLettersQuerySchema)),
}));
