import { authenticate } from '../../lib/access/authenticate.ts';
import { http } from '../../lib/runtime/http.ts';
import { pauseReasons } from '../../lib/scheduling/pauses.ts';
import { describeSources } from '../../lib/sources/overview.ts';

/** GET /sources */
export const handler = http(
  authenticate,
  async ({ account }) => {
    const [{ sources }, reasons] = await Promise.all([describeSources(account), pauseReasons()]);
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
