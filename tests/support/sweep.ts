import { ownCaller } from './secrets.ts';
import { stack } from './stack.ts';

/** Runs one pass of the sweep at once, instead of waiting for the pass every five seconds. */
export async function sweep(): Promise<void> {
  const response = await fetch(
    `${stack.lambda}/2015-03-31/functions/streamsync-local-sweep/invocations`,
    {
      method: 'POST',
      headers: await ownCaller(),
      body: JSON.stringify({ passes: 1 }),
      signal: AbortSignal.timeout(90_000),
    },
  );
  const answer = await response.text();
  if (response.status !== 200 || answer.includes('errorMessage'))
    throw new Error(`the sweep answered ${response.status}: ${answer}`);
}
