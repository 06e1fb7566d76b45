/** How the API is, by whichever way it is asked. */
import { type HealthProblem, healthSchema } from '../../../lib/contracts/health.ts';
import { StackError } from '../errors.ts';

/** → what `/api/v1/health` answers at this address, whatever it is. @throws when there is no answer within 5 s. */
export async function askHealth(
  origin: string,
  headers: Record<string, string> = {},
): Promise<{ status: number; text: string }> {
  const response = await fetch(`${origin}/api/v1/health`, {
    headers,
    signal: AbortSignal.timeout(5000),
  });
  return { status: response.status, text: await response.text() };
}

/** → the text of an answer that it works, well or not so well. @throws StackError when it is another. */
export async function requireHealth(
  origin: string,
  headers: Record<string, string> = {},
): Promise<string> {
  const { status, text } = await askHealth(origin, headers);
  if (status !== 200) throw new StackError(`status ${status}: ${text.slice(0, 500)}`);
  return text;
}

/** How long a problem that the start itself brings with it may take to pass: messages and work of the last stop. */
const SETTLE_SECONDS = 10;

/** Waits a little for all to be well. → what is still wrong then. */
export async function remainingProblems(
  origin: string,
  signal: AbortSignal,
): Promise<HealthProblem[]> {
  const end = performance.now() + SETTLE_SECONDS * 1000;
  for (;;) {
    signal.throwIfAborted();
    const { problems = [] } = healthSchema.parse(JSON.parse(await requireHealth(origin)));
    if (problems.length === 0 || performance.now() > end) return problems;
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
}
