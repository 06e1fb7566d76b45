import { authenticate } from '../../lib/access/authenticate.ts';
import type { AcceptedReadings } from '../../lib/contracts/readings.ts';
import { publishReadings } from '../../lib/readings/publish.ts';
import { httpHandler } from '../../lib/runtime/http-handler.ts';

/** POST /readings */
export const handler = httpHandler(authenticate, async ({ account, text }) => {
  const body: AcceptedReadings = { accepted: await publishReadings(account, text) };
  return { status: 202, body };
});
