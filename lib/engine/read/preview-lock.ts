import { randomUUID } from 'node:crypto';
import { catalogue } from '../../runtime/catalogue.ts';
import { AppError, errorMessage } from '../../runtime/errors.ts';
import { logger } from '../../runtime/logger.ts';

/** Longer than any preview runs. If a process dies during one, the account can run another after this time. */
const holdSeconds = 40;
/** Most previews take less than a second. */
const retryAfterSeconds = 2;

const acquireSql = `
  insert into previews (account_id, id, held_until)
  values ($1, $2, now() + make_interval(secs => ${holdSeconds}))
  on conflict (account_id) do update set id = excluded.id, held_until = excluded.held_until
    where previews.held_until < now()`;

/** Runs a preview of an account. Throws `too_many_requests` while another one of it runs in any process. */
export async function onePreview<T>(accountId: string, work: () => Promise<T>): Promise<T> {
  const id = randomUUID();
  const { rowCount } = await catalogue().query(acquireSql, [accountId, id]);
  if (rowCount !== 1)
    throw new AppError(
      'too_many_requests',
      'Another preview of yours is being read. Wait until it is shown, or try again in a few seconds.',
      { retryAfterSeconds },
    );
  try {
    return await work();
  } finally {
    await catalogue()
      .query('delete from previews where account_id = $1 and id = $2', [accountId, id])
      .catch((error: unknown) =>
        logger.warn('releasing the preview lock failed; it expires by itself', {
          accountId,
          reason: errorMessage(error),
        }),
      );
  }
}
