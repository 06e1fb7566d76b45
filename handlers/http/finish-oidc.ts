import { signInByIdentity } from '../../lib/access/identities.ts';
import { finishOidc } from '../../lib/access/oidc.ts';
import { oidcCallbackSchema } from '../../lib/contracts/oidc.ts';
import { sizes } from '../../lib/contracts/sizes.ts';
import { clientAddress } from '../../lib/runtime/door.ts';
import { httpHandler, noAuth } from '../../lib/runtime/http-handler.ts';

/** POST /sessions/oidc/callback */
export const handler = httpHandler(noAuth, async ({ body, header }) => {
  const address = clientAddress(header);
  const identity = await finishOidc(body(oidcCallbackSchema, sizes.requestBytes), address);
  const userAgent = header('user-agent') ?? '';
  return { status: 201, body: await signInByIdentity(identity, { address, userAgent }) };
});
