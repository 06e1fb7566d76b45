/** How the API is, by whichever way it is asked. */
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

/** → the text of an answer that all is well. @throws StackError when it is another. */
export async function requireHealth(
  origin: string,
  headers: Record<string, string> = {},
): Promise<string> {
  const { status, text } = await askHealth(origin, headers);
  if (status !== 200) throw new StackError(`status ${status}: ${text.slice(0, 500)}`);
  return text;
}
