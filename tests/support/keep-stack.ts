import setup from './setup.ts';
import teardown from './teardown.ts';

/**
 * `node tests/stack/keep.ts`: a stack as `npm test` starts it, kept until Ctrl-C, so that the tests of faults can be
 * run against it again and again.
 */
const told = Promise.withResolvers<void>();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => told.resolve());
delete process.env.STREAMSYNC_TEST_HOME;
await setup({ nonFlagArgs: [] });
for (const name of ['STREAMSYNC_TEST_HOME', 'STREAMSYNC_TEST_FAULTS'])
  console.log(`export ${name}=${process.env[name]}`);
const alive = setInterval(() => {}, 60_000);
await told.promise;
clearInterval(alive);
await teardown();
