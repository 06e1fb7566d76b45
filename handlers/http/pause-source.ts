import { administrator } from '../../lib/access/authenticate.ts';
import { sourcePauseSchema } from '../../lib/contracts/sources.ts';
import { httpHandler } from '../../lib/runtime/http-handler.ts';
import { pauseSource } from '../../lib/scheduling/pauses.ts';

/** POST /sources/{name}/pause */
export const handler = httpHandler(
  administrator('pause or resume a source'),
  async ({ account, param, body }) => {
    await pauseSource(account, param('name'), body(sourcePauseSchema).reason);
    return { status: 204 };
  },
);
