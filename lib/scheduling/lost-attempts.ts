import type { Queryable } from '../runtime/catalogue.ts';

/** A unit whose workers vanish this often fails: it may be the unit that ends them. */
export const mostLostAttempts = 10;

export const lostTooOften = {
  code: 'worker_lost',
  message: `The export was interrupted ${mostLostAttempts} times. Try again; if it happens again, ask your administrator.`,
} as const;

/** Writes an attempt off. Its invocation is over, or may still be stopped somewhere: it is fenced. */
export async function loseAttempt(client: Queryable, attemptId: string): Promise<void> {
  await client.query(
    `update attempts set state = 'lost', ended_at = now() where id = $1 and state = 'running'`,
    [attemptId],
  );
}
