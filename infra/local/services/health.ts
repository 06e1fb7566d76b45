/** Reads the health of the API. */
import { type HealthProblem, healthSchema } from '../../../lib/contracts/health.ts';
import { sleep } from '../../../lib/runtime/retry.ts';
import { StackError } from '../errors.ts';

/** Returns the answer of `/api/v1/health`, whatever its status. Throws without an answer within 5 s. */
export async function fetchHealth(
  origin: string,
  headers: Record<string, string> = {},
): Promise<{ status: number; text: string }> {
  const response = await fetch(`${origin}/api/v1/health`, {
    headers,
    signal: AbortSignal.timeout(5000),
  });
  return { status: response.status, text: await response.text() };
}

/** Returns the body of an answer with status 200 (`ok` or `degraded`). Throws a StackError for another status. */
export async function assertHealthy(
  origin: string,
  headers: Record<string, string> = {},
): Promise<string> {
  const { status, text } = await fetchHealth(origin, headers);
  if (status !== 200) throw new StackError(`status ${status}: ${text.slice(0, 500)}`);
  return text;
}

/** How long problems may last that the start itself causes: unsent messages and units of the last stop. */
const settleTimeoutSeconds = 10;

/** Waits up to 10 s until there are no problems. Returns those that remain. */
export async function remainingProblems(
  origin: string,
  signal: AbortSignal,
): Promise<HealthProblem[]> {
  const end = performance.now() + settleTimeoutSeconds * 1000;
  for (;;) {
    const { problems = [] } = healthSchema.parse(JSON.parse(await assertHealthy(origin)));
    if (problems.length === 0 || performance.now() > end) return problems;
    await sleep(500, signal);
  }
}
