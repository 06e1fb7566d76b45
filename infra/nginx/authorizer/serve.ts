/**
 * The download authorizer: decides about every request for a file, and deletes the cached slices of files that are gone.
 * Runs next to NGINX and listens on loopback: as a process of `npm start`, and as a sidecar of NGINX in a deployment.
 *
 *     node infra/nginx/authorizer/serve.ts <port> <cache directory of NGINX>
 *
 * It needs the environment of the functions, and write access to the directory.
 */
import { keptObjects } from '../../../lib/delivery/kept-objects.ts';
import { catalogue } from '../../../lib/runtime/catalogue.ts';
import { config } from '../../../lib/runtime/config.ts';
import { serializeError } from '../../../lib/runtime/errors.ts';
import { logger } from '../../../lib/runtime/logger.ts';
import { sleep } from '../../../lib/runtime/retry.ts';
import { CachedSlices } from './cached-slices.ts';
import { createAuthorizer } from './server.ts';

const dropEveryMs = 10_000;

const [port, directory] = process.argv.slice(2);
if (port === undefined || directory === undefined)
  throw new Error('usage: serve.ts <port> <cache directory of NGINX>');
// Reports a wrong configuration at once, not at the first request.
config();

const stopping = new AbortController();
for (const name of ['SIGTERM', 'SIGINT'] as const) process.on(name, () => stopping.abort());

const server = createAuthorizer();
server.listen(Number(port), '127.0.0.1');

const slices = new CachedSlices(directory);
while (!stopping.signal.aborted) {
  try {
    const dropped = await slices.drop(keptObjects);
    if (dropped > 0) logger.info('cached slices deleted', { dropped });
  } catch (error) {
    logger.error('cached slices not deleted', { error: serializeError(error) });
  }
  await sleep(dropEveryMs, stopping.signal).catch(() => undefined);
}
server.close();
server.closeIdleConnections();
await catalogue().end();
process.exit(0);
