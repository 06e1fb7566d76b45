import setup from './setup.ts';
import teardown from './teardown.ts';
import { workerStack } from './worker-stack.ts';

/**
 * `node tests/support/keep-stack.ts`: starts a stack as `npm test` does and keeps it until Ctrl-C, so that the tests
 * of tests/faults can run against it repeatedly.
 */
const stopped = Promise.withResolvers<void>();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => stopped.resolve());
delete process.env.STREAMSYNC_TEST_HOME;
await setup({ nonFlagArgs: [], maxWorkers: 1 });
const { home, faults } = workerStack();
console.log(`export STREAMSYNC_TEST_HOME=${home}\nexport STREAMSYNC_TEST_FAULTS=${faults}`);
const alive = setInterval(() => {}, 60_000);
await stopped.promise;
clearInterval(alive);
await teardown();
