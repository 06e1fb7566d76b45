import { randomUUID } from 'node:crypto';
import { expect } from '@jest/globals';
import { findRunningStack, useStack } from '../../infra/local/found-stack.ts';
import { openHome } from '../../infra/local/home.ts';
import { withFreshCatalogue } from '../../infra/postgres/fresh.ts';
import { catalogue } from '../../lib/runtime/catalogue.ts';
import { dispatch } from '../../lib/scheduling/dispatch.ts';
import { createSlots } from '../../lib/scheduling/slots.ts';
import { home, sql, stack } from './stack.ts';

/** What is asked for by SQL, so that nothing but the rows decides. */
interface Wanted {
  /** Its email is its name; it has both sources. */
  owner: string;
  source?: string;
  kind?: 'read' | 'finalize';
  connections?: number;
  units?: number;
  seconds?: number;
}

/**
 * A catalogue of its own, on the server of the stack, in which nobody works and out of which nothing is sent: what runs
 * is what the rows say. This process uses it as its own from then on.
 */
export class OwnCatalogue {
  readonly url: string;
  readonly #drop: () => Promise<void>;

  private constructor(url: string, drop: () => Promise<void>) {
    this.url = url;
    this.#drop = drop;
  }

  /** `environment` is what the functions would have in theirs; SOURCE in it stands for this database. */
  static async make(environment: Record<string, string>): Promise<OwnCatalogue> {
    const opened = openHome({ STREAMSYNC_HOME: home() });
    const running = findRunningStack(opened);
    if (!running) throw new Error('the stack does not run');
    useStack(opened, running);
    const over = Promise.withResolvers<void>();
    const made = Promise.withResolvers<string>();
    const held = withFreshCatalogue(stack.postgres.catalogue, async (url) => {
      made.resolve(url);
      await over.promise;
      await catalogue().end();
    });
    const url = await Promise.race([
      made.promise,
      held.then(() => {
        throw new Error('the catalogue was not made');
      }),
    ]);
    process.env.STREAMSYNC_CATALOGUE_URL = url;
    for (const [name, value] of Object.entries(environment))
      process.env[name] = value.replaceAll('SOURCE', url);
    await createSlots(catalogue());
    // Born sent: the relay finds nothing to do.
    await sql(url, 'alter table outbox alter column sent_at set default now()');
    return new OwnCatalogue(url, async () => {
      over.resolve();
      await held;
    });
  }

  drop(): Promise<void> {
    return this.#drop();
  }

  async clear(): Promise<void> {
    await this.requireLines();
    await sql(
      this.url,
      `delete from source_pauses; delete from attempts; delete from exports; delete from outbox; delete from accounts;
       update slots set closed_until = null, closed_offset = null, last_used_at = null`,
    );
    expect(await sql(this.url, 'select * from queue_lines')).toEqual([]);
  }

  /** The invariant: there is a line for just those units that wait. */
  async requireLines(): Promise<void> {
    const [wrong] = await sql(
      this.url,
      `select * from (select distinct owner_id, source, lane, planned_connections as connections from units
         where state = 'queued' and not delayed) waiting
       full join queue_lines using (owner_id, source, lane, connections)
       where waiting is null or queue_lines is null`,
    );
    expect(wrong).toBeUndefined();
  }

  async ask(wanted: Wanted): Promise<string> {
    const {
      owner,
      source = 'iot',
      kind = 'read',
      connections = 1,
      units = 1,
      seconds = 1,
    } = wanted;
    const id = randomUUID();
    await sql(
      this.url,
      `with made as (
         insert into accounts (id, email, password_hash, role)
         select gen_random_uuid(), $1, '', 'analyst' where not exists (select 1 from accounts where email = $1)
         returning id)
       insert into grants (account_id, source) select id, unnest(array['sales', 'iot']) from made`,
      [owner],
    );
    await sql(
      this.url,
      `insert into exports (id, owner_id, request, estimated_seconds, units_total, queued_at)
       select $1, id, json_build_object('sources', json_build_array($5::text), 'dataset', 'd', 'format', 'csv',
         'ttlSeconds', 3600), $3, $4, clock_timestamp() from accounts where email = $2`,
      [id, owner, seconds, units, source],
    );
    await sql(
      this.url,
      `insert into units (id, export_id, kind, ordinal, source, planned_connections)
       select gen_random_uuid(), $1, $5, n, $2, $3 from generate_series(0, $4::int - 1) n`,
      [id, source, connections, units, kind],
    );
    return id;
  }

  /** Dispatches, and says to whose exports the slots went, in this order. */
  async given(): Promise<string[]> {
    return (await this.givenExports()).map(({ email }) => email);
  }

  async givenExports(): Promise<{ email: string; id: string }[]> {
    await sql(this.url, 'delete from outbox');
    await dispatch();
    return sql(
      this.url,
      `select a.email, e.id from outbox o join units u on u.dispatch_id = o.dispatch_id
       join exports e on e.id = u.export_id join accounts a on a.id = e.owner_id order by o.id`,
    );
  }

  /** As if its units had come to their end. */
  async end(id: string): Promise<void> {
    await sql(
      this.url,
      `with u as (update units set state = 'cancelled' where export_id = $1)
       update exports set state = 'cancelled' where id = $1`,
      [id],
    );
  }
}
