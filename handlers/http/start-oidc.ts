import { startOidc } from '../../lib/access/oidc.ts';
import { clientAddress } from '../../lib/runtime/door.ts';
import { httpHandler, noAuth } from '../../lib/runtime/http-handler.ts';

/** POST /sessions/oidc */
export const handler = httpHandler(noAuth, async ({ header }) => ({
  status: 200,
  body: await startOidc(clientAddress(header)),
}));
