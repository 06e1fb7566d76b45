import { authenticate } from '../../lib/access/authenticate.ts';
import { endSessions } from '../../lib/access/sessions.ts';
import { catalogue } from '../../lib/runtime/catalogue.ts';
import { httpHandler } from '../../lib/runtime/http-handler.ts';

/** DELETE /sessions */
export const handler = httpHandler(authenticate, async ({ account }) => {
  await endSessions(catalogue(), account.id);
  return { status: 204 };
});
