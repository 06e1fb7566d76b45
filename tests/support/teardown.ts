/** Stops the stacks that the set-up started. */
export default async function teardown(): Promise<void> {
  await globalThis.streamsyncTestStacks?.stop();
}
