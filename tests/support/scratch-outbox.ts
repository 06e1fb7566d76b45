import { openHome } from '../../infra/local/home/home.ts';
import { applyStackEnvironment, findRunningStack } from '../../infra/local/home/running-stack.ts';
import { withScratchCatalogue } from '../../infra/postgres/scratch-database.ts';
import { disconnectProducers } from '../../lib/messaging/kafka.ts';
import { catalogue } from '../../lib/runtime/catalogue.ts';
import { home, stack } from './stack.ts';

/**
 * Makes the code of lib in this process use a scratch catalogue, which only the test relays from, and the Kafka of
 * the stack. Returns the URL of the catalogue, and `end`.
 */
export async function openScratchOutbox(): Promise<{ url: string; end: () => Promise<void> }> {
  const opened = openHome({ STREAMSYNC_HOME: home() });
  const running = findRunningStack(opened);
  if (!running) throw new Error('the stack is not running');
  applyStackEnvironment(opened, running);
  const created = Promise.withResolvers<string>();
  const finished = Promise.withResolvers<void>();
  const holding = withScratchCatalogue(stack.postgres.catalogue, async (fresh) => {
    process.env.STREAMSYNC_CATALOGUE_URL = fresh;
    created.resolve(fresh);
    await finished.promise;
    await disconnectProducers();
    await catalogue().end();
  });
  const url = await Promise.race([
    created.promise,
    holding.then(() =>
      Promise.reject(new Error('the scratch catalogue was dropped before it was ready')),
    ),
  ]);
  return {
    url,
    end: async () => {
      finished.resolve();
      await holding;
    },
  };
}
