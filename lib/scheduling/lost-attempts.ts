import type { Queryable } from '../runtime/catalogue.ts';

/** A unit fails after this many lost attempts: it may be what kills its workers. */
export const maxLostAttempts = 10;

export const tooManyLostAttempts = {
  code: 'worker_lost',
  message: `The export was interrupted ${maxLostAttempts} times. Try again. If it happens again, contact your administrator.`,
} as const;

/** Marks an attempt as lost. If its invocation still runs, it is fenced. */
export async function markAttemptLost(client: Queryable, attemptId: string): Promise<void> {
  await client.query(
    `update attempts set state = 'lost', ended_at = now() where id = $1 and state = 'running'`,
    [attemptId],
  );
}
