import type { Account } from '../access/accounts.ts';
import { recordRequest } from '../audit/record-audit.ts';
import { catalogue, transaction } from '../runtime/catalogue.ts';
import { config } from '../runtime/config.ts';
import { AppError } from '../runtime/errors.ts';

/** Pauses a source: no unit of it is dispatched; running units finish. Throws `not_found` for an unknown source. */
export async function pauseSource(by: Account, source: string, reason: string): Promise<void> {
  requireSource(source);
  await transaction(async (client) => {
    await client.query(
      `insert into source_pauses (source, reason, paused_by) values ($1, $2, $3)
       on conflict (source) do update set reason = excluded.reason, paused_by = excluded.paused_by`,
      [source, reason, by.id],
    );
    await recordRequest(client, { details: { reason } });
  });
}

export async function resumeSource(source: string): Promise<void> {
  requireSource(source);
  await transaction(async (client) => {
    await client.query('delete from source_pauses where source = $1', [source]);
    await recordRequest(client);
  });
}

/** Returns the reason of each paused source, by its name. */
export async function pauseReasons(): Promise<Map<string, string>> {
  const { rows } = await catalogue().query<{ source: string; reason: string }>(
    'select source, reason from source_pauses',
  );
  return new Map(rows.map(({ source, reason }) => [source, reason]));
}

function requireSource(source: string): void {
  if (!config().sources.has(source))
    throw new AppError('not_found', `There is no source ${source}.`);
}
