import type { Account } from '../access/accounts.ts';
import { catalogue } from '../runtime/catalogue.ts';
import { config } from '../runtime/config.ts';
import { Refusal } from '../runtime/errors.ts';

/** An operator's word that nothing new is read from a source; what is being read ends as it will. */
export async function pauseSource(by: Account, source: string, reason: string): Promise<void> {
  requireSource(source);
  await catalogue().query(
    `insert into source_pauses (source, reason, paused_by) values ($1, $2, $3)
     on conflict (source) do update set reason = excluded.reason, paused_by = excluded.paused_by`,
    [source, reason, by.id],
  );
}

export async function resumeSource(source: string): Promise<void> {
  requireSource(source);
  await catalogue().query('delete from source_pauses where source = $1', [source]);
}

/** Why sources are paused, by name. */
export async function pauseReasons(): Promise<Map<string, string>> {
  const { rows } = await catalogue().query<{ source: string; reason: string }>(
    'select source, reason from source_pauses',
  );
  return new Map(rows.map(({ source, reason }) => [source, reason]));
}

function requireSource(source: string): void {
  if (!config().sources.has(source))
    throw new Refusal('not_found', `There is no source ${source}.`);
}
