import { findRunningStack, useStack } from '../../infra/local/found-stack.ts';
import { openHome } from '../../infra/local/home.ts';
import { withFreshCatalogue } from '../../infra/postgres/fresh.ts';
import { disconnectProducers } from '../../lib/messaging/kafka.ts';
import { catalogue } from '../../lib/runtime/catalogue.ts';
import { home, stack } from './stack.ts';

/**
 * Makes the domain's code, in this process, work with a catalogue of its own, which nobody relays from but
 * the test, and with the Kafka of the stack. Returns how to end it, and the address of the catalogue.
 */
export async function openFreshOutbox(): Promise<{ url: string; end: () => Promise<void> }> {
  const opened = openHome({ STREAMSYNC_HOME: home() });
  const running = findRunningStack(opened);
  if (!running) throw new Error('the stack does not run');
  useStack(opened, running);
  const made = Promise.withResolvers<string>();
  const over = Promise.withResolvers<void>();
  const held = withFreshCatalogue(stack.postgres.catalogue, async (fresh) => {
    process.env.STREAMSYNC_CATALOGUE_URL = fresh;
    made.resolve(fresh);
    await over.promise;
    await disconnectProducers();
    await catalogue().end();
  });
  const url = await Promise.race([
    made.promise,
    held.then(() => Promise.reject(new Error('the catalogue is gone'))),
  ]);
  return {
    url,
    end: async () => {
      over.resolve();
      await held;
    },
  };
}
