import type { SignInMethods } from '../../lib/contracts/oidc.ts';
import { config } from '../../lib/runtime/config.ts';
import { httpHandler, noAuth } from '../../lib/runtime/http-handler.ts';

/** GET /sign-in-methods */
export const handler = httpHandler(noAuth, async () => {
  const { oidc } = config();
  const body: SignInMethods = { password: true, oidc: oidc ? { name: oidc.name } : null };
  return { status: 200, body };
});
