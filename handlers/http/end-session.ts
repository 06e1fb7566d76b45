import { authenticate } from '../../lib/access/authenticate.ts';
import { endSession } from '../../lib/access/sessions.ts';
import { catalogue } from '../../lib/runtime/catalogue.ts';
import { AppError } from '../../lib/runtime/errors.ts';
import { httpHandler } from '../../lib/runtime/http-handler.ts';

/** DELETE /sessions/current */
export const handler = httpHandler(authenticate, async ({ account }) => {
  if (account.sessionId === null)
    throw new AppError('not_found', 'An API key has no session. Revoke it with DELETE /keys/{id}.');
  await endSession(catalogue(), account.sessionId);
  return { status: 204 };
});
