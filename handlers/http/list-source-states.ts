import { administrator } from '../../lib/access/authenticate.ts';
import { describeSourceStates } from '../../lib/admin/sources.ts';
import { catalogue } from '../../lib/runtime/catalogue.ts';
import { httpHandler } from '../../lib/runtime/http-handler.ts';

/** GET /admin/sources */
export const handler = httpHandler(
  administrator('see the state of the sources'),
  async ({ account }) => ({
    status: 200,
    body: await describeSourceStates(catalogue(), account),
  }),
  { asksSources: true },
);
