import { administrator } from '../../lib/access/authenticate.ts';
import { setLimits } from '../../lib/access/limits.ts';
import { recordRequest } from '../../lib/audit/record-audit.ts';
import { accountLimitsSchema } from '../../lib/contracts/limits.ts';
import { transaction } from '../../lib/runtime/catalogue.ts';
import { httpHandler } from '../../lib/runtime/http-handler.ts';

/** PUT /accounts/{email}/limits */
export const handler = httpHandler(
  administrator('see or set the limits of accounts'),
  async ({ param, body }) => {
    const limits = body(accountLimitsSchema);
    return {
      status: 200,
      body: await transaction(async (client) => {
        const set = await setLimits(param('email'), limits, client);
        await recordRequest(client, { details: { ...set } });
        return set;
      }),
    };
  },
);
