import { authenticate } from '../../lib/access/authenticate.ts';
import { readingsQuerySchema } from '../../lib/contracts/readings.ts';
import { queryReadings } from '../../lib/readings/query-readings.ts';
import { withEtag } from '../../lib/runtime/etag.ts';
import { httpHandler } from '../../lib/runtime/http-handler.ts';

/** GET /readings */
export const handler = httpHandler(
  authenticate,
  async ({ account, query, header }) =>
    withEtag(await queryReadings(account, query(readingsQuerySchema)), header('if-none-match')),
  { asksSources: true },
);
