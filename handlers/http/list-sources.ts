import { authenticate } from '../../lib/access/authenticate.ts';
import { sourceListQuerySchema } from '../../lib/contracts/sources.ts';
import { http } from '../../lib/runtime/http.ts';
import { pauseReasons } from '../../lib/scheduling/pauses.ts';
import { describeSources } from '../../lib/sources/overview.ts';

/** GET /sources */
export const handler = http(
  authenticate,
  async ({ account, query }) => {
    const wanted = query(sourceListQuerySchema);
    const [{ sources }, reasons] = await Promise.all([
      describeSources(account, wanted),
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
