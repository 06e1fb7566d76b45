/**
 * The delivery shipper: sends each line of NGINX's delivery logs to the topic `deliveries`, at least once. Runs next to
 * NGINX: as a process of `npm start`, and as a sidecar of NGINX in a deployment.
 *
 *     node infra/nginx/shipper/ship.ts <directory of the logs>
 *
 * It needs `STREAMSYNC_KAFKA_BROKERS`, `STREAMSYNC_KAFKA_SECURITY` if the brokers are secured, and write access to the directory, where it keeps its positions.
 */
import { send } from '../../../lib/messaging/kafka.ts';
import { topics } from '../../../lib/messaging/topics.ts';
import { serializeError } from '../../../lib/runtime/errors.ts';
import { logger } from '../../../lib/runtime/logger.ts';
import { backoffMs, sleep } from '../../../lib/runtime/retry.ts';
import { DeliveryLogs } from './delivery-logs.ts';

const pauseMs = 300;
const backoff = { firstMs: 500, maxMs: 10_000 };

const [directory] = process.argv.slice(2);
if (directory === undefined) throw new Error('usage: ship.ts <directory of the logs>');

const stopping = new AbortController();
for (const name of ['SIGTERM', 'SIGINT'] as const) process.on(name, () => stopping.abort());

const logs = await DeliveryLogs.open(directory, async (lines) => {
  const messages = lines.map((value) => ({ key: null, value, headers: [] }));
  await send('others', topics.deliveries.name, 0, messages);
});

let failures = 0;
while (!stopping.signal.aborted) {
  try {
    await logs.shipNew();
    if (failures > 0) logger.info('deliveries are sent again');
    failures = 0;
  } catch (error) {
    logger.error('deliveries are not sent, they stay in the log', { error: serializeError(error) });
    failures++;
  }
  const delayMs = failures === 0 ? pauseMs : backoffMs(failures - 1, backoff);
  await sleep(delayMs, stopping.signal).catch(() => undefined);
}
// NGINX stops first: these are its last lines. A container keeps no logs.
await logs.shipNew().catch((error: unknown) => {
  logger.error('the last deliveries are not sent', { error: serializeError(error) });
});
process.exit(0);
