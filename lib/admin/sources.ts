import type { AdminSources } from '../contracts/admin.ts';
import type { Queryable } from '../runtime/catalogue.ts';
import { config } from '../runtime/config.ts';
import { AppError } from '../runtime/errors.ts';
import { askedBy, askSource } from '../sources/question.ts';
import { replicationLag } from '../sources/replication-lag.ts';
import { unfinishedUnits } from './unfinished-units.ts';

/** A source that does not answer within this time is down. */
const probeMs = 3_000;

interface Row {
  source: string;
  waiting: number;
  running: number;
  connections: number;
  question_connections: number;
  reason: string | null;
  paused_by: string | null;
  paused_at: Date | null;
}

/** Returns the state of every source. Each is asked, at the expense of the account that wants to know. */
export async function describeSourceStates(
  client: Queryable,
  account: { id: string },
): Promise<AdminSources> {
  const sources = [...config().sources];
  const { rows } = await client.query<Row>(
    `select s.source, coalesce(u.waiting, 0) as waiting, coalesce(u.running, 0) as running,
       coalesce(u.connections, 0) as connections,
       (select count(*) from source_connections c
         where c.source = s.source and c.held_until > now()) as question_connections,
       p.reason, a.email as paused_by, p.paused_at
     from unnest($1::text[]) s (source)
     left join (
       select source, count(*) filter (where state = 'queued') as waiting,
         count(*) filter (where state <> 'queued') as running,
         sum(planned_connections) filter (where state <> 'queued') as connections
       from ${unfinishedUnits} units group by source
     ) u on u.source = s.source
     left join source_pauses p on p.source = s.source
     left join accounts a on a.id = p.paused_by`,
    [sources.map(([name]) => name)],
  );
  const rowOf = new Map(rows.map((row) => [row.source, row]));
  const items = await Promise.all(
    sources.map(async ([name, settings]) => {
      const row = rowOf.get(name);
      const probe = await probeSource(name, account);
      return {
        name,
        health: probe.error === null ? ('ok' as const) : ('down' as const),
        error: probe.error,
        lag: { seconds: probe.lagSeconds, max: settings.maxLagSeconds ?? null },
        pause:
          row?.reason == null || row.paused_at === null
            ? null
            : { reason: row.reason, by: row.paused_by ?? '', at: row.paused_at.toISOString() },
        load: {
          waiting: row?.waiting ?? 0,
          running: row?.running ?? 0,
          connections: row?.connections ?? 0,
          questionConnections: row?.question_connections ?? 0,
        },
        budget: {
          connections: settings.maxConnections,
          questionConnections: settings.maxQuestionConnections,
        },
      };
    }),
  );
  return { items: items.toSorted((a, b) => (a.name < b.name ? -1 : 1)), nextCursor: null };
}

async function probeSource(
  name: string,
  account: { id: string },
): Promise<{ error: string | null; lagSeconds: number | null }> {
  try {
    return await askSource(name, askedBy(account, probeMs), async (client) => {
      const { isReplica, seconds } = await replicationLag(client);
      return { error: null, lagSeconds: isReplica ? seconds : null };
    });
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    return { error: error.message, lagSeconds: null };
  }
}
