import pg from 'pg';

interface QueueShape {
  /** The number of waiting exports and of their accounts. A fifth of the exports belongs to one account. */
  exports: number;
  accounts: number;
  /** The source of three quarters of the exports. A quarter is of another source, which is paused. */
  source: string;
}

/** The email domain of the accounts of the long queue. */
const domain = 'long-queue.example';
const paused = 'paused-long-queue';

/**
 * Fills the catalogue with a long queue of everything that can block later exports: a paused source, an account with
 * a fifth of all exports, long snapshots, units that wait for a time. Uses SQL without triggers, because 100 000
 * exports through the API take an hour.
 */
export async function fillQueue(url: string, shape: QueueShape): Promise<void> {
  await withoutTriggers(url, async (client) => {
    await client.query(
      `insert into accounts (id, email, password_hash, role, served_at)
       select gen_random_uuid(), n || '@${domain}', '', 'analyst', now() - n * interval '1 second'
       from generate_series(0, $1::int - 1) n`,
      [shape.accounts],
    );
    await client.query(
      `insert into grants (account_id, source)
       select id, unnest(array['${paused}', $1]) from accounts where email like '%@${domain}'`,
      [shape.source],
    );
    await client.query(
      `insert into source_pauses (source, reason, paused_by)
       select '${paused}', 'x', id from accounts where email = '0@${domain}'`,
    );
    await client.query(
      `with numbered as materialized (
         select n, case when n % 5 = 0 then 0 else n % $2 end as account,
           case when n % 4 = 0 then '${paused}' else $3::text end as source,
           case when n % 10 = 7 then 200 else 1 end as seconds
         from generate_series(1, $1::int) n
       ), created as (
         insert into exports (id, owner_id, request, estimated_rows, estimated_seconds, queued_at)
         select uuidv7(), a.id, json_build_object('sources', json_build_array(source), 'dataset', 'd',
           'format', 'csv', 'compression', 'none', 'consistency', 'snapshot', 'profile', 'machine',
           'timeZone', 'UTC', 'order', 'any', 'ttlSeconds', 3600), 100, seconds,
           now() + n * interval '1 microsecond'
         from numbered join accounts a on a.email = account || '@${domain}'
         returning *
       )
       insert into units (id, export_id, kind, source, owner_id, place, lane, delayed, not_before)
       select uuidv7(), id, 'read', request->'sources'->>0, owner_id, queued_at,
         case when estimated_seconds > 120 then 'long' else 'ordinary' end, later,
         case when later then now() + interval '1 day' else now() end
       from (select *, row_number() over (order by queued_at) % 10 = 3 as later from created) c`,
      [shape.exports, shape.accounts, shape.source],
    );
    await client.query(
      `insert into queue_lines (owner_id, source, lane, connections, served_at, since)
       select u.owner_id, u.source, u.lane, u.planned_connections, a.served_at, min(u.place)
       from units u join accounts a on a.id = u.owner_id
       where a.email like '%@${domain}' and u.state = 'queued' and not u.delayed
       group by u.owner_id, u.source, u.lane, u.planned_connections, a.served_at`,
    );
  });
}

/** Deletes the long queue. */
export async function emptyQueue(url: string): Promise<void> {
  await withoutTriggers(url, async (client) => {
    const owners = `(select id from accounts where email like '%@${domain}')`;
    await client.query(`delete from source_pauses where source = '${paused}'`);
    await client.query(`delete from queue_lines where owner_id in ${owners}`);
    await client.query(`delete from units where owner_id in ${owners}`);
    await client.query(`delete from exports where owner_id in ${owners}`);
    await client.query(`delete from grants where account_id in ${owners}`);
    await client.query(`delete from accounts where email like '%@${domain}'`);
  });
}

/** Runs `work` without triggers, then does at once what autovacuum does within minutes. */
async function withoutTriggers(
  url: string,
  work: (client: pg.Client) => Promise<void>,
): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query('begin; set local session_replication_role = replica');
    await work(client);
    await client.query('commit');
    await client.query('vacuum analyze units, exports, queue_lines, accounts, grants');
  } finally {
    await client.end();
  }
}
