/** Stops the stack that the set-up started, if it did. */
export default async function teardown(): Promise<void> {
  await globalThis.streamsyncTestStack?.stop();
}
