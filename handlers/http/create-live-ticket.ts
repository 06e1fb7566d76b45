import { authenticate } from '../../lib/access/authenticate.ts';
import { issueLiveTicket } from '../../lib/live/tickets.ts';
import { httpHandler } from '../../lib/runtime/http-handler.ts';

/** POST /live-tickets */
export const handler = httpHandler(authenticate, async ({ account }) => ({
  status: 200,
  body: await issueLiveTicket(account),
}));
