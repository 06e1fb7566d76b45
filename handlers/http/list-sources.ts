import { authenticate } from '../../lib/access/authenticate.ts';
import { sourceListQuerySchema } from '../../lib/contracts/sources.ts';
import { httpHandler } from '../../lib/runtime/http-handler.ts';
import { pauseReasons } from '../../lib/scheduling/pauses.ts';
import { describeSources } from '../../lib/sources/describe-sources.ts';

/** GET /sources */
export const handler = httpHandler(
  authenticate,
  async ({ account, query }) => {
    const listQuery = query(sourceListQuerySchema);
    const [{ sources }, reasons] = await Promise.all([
      describeSources(account, listQuery),
      pauseReasons(),
    ]);
    const body = {
      sources: sources.map((source) => {
        const paused = reasons.get(source.name);
        return paused === undefined ? source : { ...source, paused };
      }),
    };
    return { status: 200, body };
  },
  { asksSources: true },
);
