import { z } from 'zod';

/** The stacks that the set-up provides: one for each worker of jest, in the order of the workers. */
const workerStacksSchema = z
  .array(
    z.object({
      home: z.string(),
      /** The address of the proxy between the functions and S3. A stack of `npm start` has none. */
      faults: z.union([z.string(), z.undefined()]),
    }),
  )
  .min(1);
export type WorkerStack = z.output<typeof workerStacksSchema>[number];

const variable = 'STREAMSYNC_TEST_STACKS';

/** Records the stacks in the environment, which the workers inherit. */
export function provideStacks(stacks: readonly WorkerStack[]): void {
  process.env[variable] = JSON.stringify(stacks);
}

/**
 * Returns the stack of this worker: the one that `STREAMSYNC_TEST_HOME` names, or the one that the set-up has started.
 * Throws without a stack.
 */
export function workerStack(): WorkerStack {
  const { STREAMSYNC_TEST_HOME: home, STREAMSYNC_TEST_FAULTS: faults } = process.env;
  if (home !== undefined) return { home, faults };
  const provided = process.env[variable];
  if (provided === undefined)
    throw new Error(`${variable} is not set: the set-up of the tests did not run`);
  const stacks = workerStacksSchema.parse(JSON.parse(provided));
  const worker = Number(process.env.JEST_WORKER_ID ?? '1');
  const stack = stacks[worker - 1];
  if (stack === undefined)
    throw new Error(`worker ${worker} of jest has no stack: there are ${stacks.length}`);
  return stack;
}
