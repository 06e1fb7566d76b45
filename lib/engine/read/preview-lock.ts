import { randomUUID } from 'node:crypto';
import { catalogue } from '../runtime/catalogue.ts';
import { messageOf, Refusal } from '../runtime/errors.ts';
import { logger } from '../runtime/logger.ts';

/** Longer than any takes: who died with it gets another one after that. */
const holdSeconds = 40;
/** Most take less than a second, and none more than some. */
const retryAfterSeconds = 2;

const take = `
  insert into previews (account_id, id, held_until)
  values ($1, $2, now() + make_interval(secs => ${holdSeconds}))
  on conflict (account_id) do update set id = excluded.id, held_until = excluded.held_until
    where previews.held_until < now()`;

/**
 * Runs the preview of an account, which has one at a time, over all processes. Throws `too_many_requests`
 * while another one runs.
 */
export async function onePreview<T>(accountId: string, work: () => Promise<T>): Promise<T> {
  const id = randomUUID();
  const { rowCount } = await catalogue().query(take, [accountId, id]);
  if (rowCount !== 1)
    throw new Refusal(
      'too_many_requests',
      'Another preview of yours is being read. Wait until it is there, or try again in a few seconds.',
      { retryAfterSeconds },
    );
  try {
    return await work();
  } finally {
    await catalogue()
      .query('delete from previews where account_id = $1 and id = $2', [accountId, id])
      .catch((error: unknown) =>
        logger.warn('turn of a preview not given back, it ends by itself', {
          reason: messageOf(error),
        }),
      );
  }
}
