import { authenticate } from '../../lib/access/authenticate.ts';
import { grantDocument } from '../../lib/access/grants-json.ts';
import type { Me } from '../../lib/contracts/accounts.ts';
import { usageOf } from '../../lib/exports/quotas.ts';
import { catalogue } from '../../lib/runtime/catalogue.ts';
import { httpHandler } from '../../lib/runtime/http-handler.ts';

/** GET /me */
export const handler = httpHandler(authenticate, async ({ account }) => {
  const { email, role, mayRequestByEvent, scopes, limits } = account;
  const body: Me = {
    email,
    role,
    mayRequestByEvent,
    scopes: [...scopes],
    grants: account.grants.map(grantDocument),
    limits,
    usage: await usageOf(catalogue(), account),
  };
  return { status: 200, body };
});
