import { ownCaller } from './secrets.ts';
import { stack } from './stack.ts';

/** One more pass of the sweep, now: what it does every five seconds need not be waited for. */
export async function sweep(): Promise<void> {
  const response = await fetch(
    `${stack.lambda}/2015-03-31/functions/streamsync-local-sweep/invocations`,
    {
      method: 'POST',
      headers: await ownCaller(),
      body: JSON.stringify({ passes: 1 }),
      signal: AbortSignal.timeout(30_000),
    },
  );
  const answer = await response.text();
  if (response.status !== 200 || answer.includes('errorMessage'))
    throw new Error(`the sweep answered ${response.status}: ${answer}`);
}
