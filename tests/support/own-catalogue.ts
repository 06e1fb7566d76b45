import { randomUUID } from 'node:crypto';
import { expect } from '@jest/globals';
import { openHome } from '../../infra/local/home/home.ts';
import { applyStackEnvironment, findRunningStack } from '../../infra/local/home/running-stack.ts';
import { withScratchCatalogue } from '../../infra/postgres/scratch-database.ts';
import { catalogue } from '../../lib/runtime/catalogue.ts';
import { dispatch } from '../../lib/scheduling/dispatch.ts';
import { createSlots } from '../../lib/scheduling/slots.ts';
import { home, sql, stack } from './stack.ts';

/** An export that is created by SQL, so that only rows decide about its dispatch. */
interface ExportSpec {
  /** The email of the account, which has grants for both sources. */
  owner: string;
  source?: string;
  kind?: 'read' | 'finalize';
  connections?: number;
  units?: number;
  seconds?: number;
}

/**
 * A catalogue of a suite's own on the server of the stack. No worker claims from it and nothing relays its outbox, so
 * only its rows decide. This process uses it as its catalogue from `create` on.
 */
export class OwnCatalogue {
  readonly url: string;
  readonly #drop: () => Promise<void>;

  private constructor(url: string, drop: () => Promise<void>) {
    this.url = url;
    this.#drop = drop;
  }

  /**
   * Creates the catalogue. `environment` has the settings of the functions; SOURCE in it stands for the URL of this
   * database.
   */
  static async create(environment: Record<string, string>): Promise<OwnCatalogue> {
    const opened = openHome({ STREAMSYNC_HOME: home() });
    const running = findRunningStack(opened);
    if (!running) throw new Error('the stack is not running');
    applyStackEnvironment(opened, running);
    const finished = Promise.withResolvers<void>();
    const created = Promise.withResolvers<string>();
    const holding = withScratchCatalogue(stack.postgres.catalogue, async (url) => {
      created.resolve(url);
      await finished.promise;
      await catalogue().end();
    });
    const url = await Promise.race([
      created.promise,
      holding.then(() => {
        throw new Error('the scratch catalogue was not created');
      }),
    ]);
    process.env.STREAMSYNC_CATALOGUE_URL = url;
    for (const [name, value] of Object.entries(environment))
      process.env[name] = value.replaceAll('SOURCE', url);
    await createSlots(catalogue());
    // Messages count as sent at once, so that the relay has no work.
    await sql(url, 'alter table outbox alter column sent_at set default now()');
    return new OwnCatalogue(url, async () => {
      finished.resolve();
      await holding;
    });
  }

  drop(): Promise<void> {
    return this.#drop();
  }

  async clear(): Promise<void> {
    await this.assertLines();
    await sql(
      this.url,
      `delete from source_pauses; delete from attempts; delete from exports; delete from outbox; delete from accounts;
       update slots set closed_until = null, closed_offset = null, last_used_at = null`,
    );
    expect(await sql(this.url, 'select * from queue_lines')).toEqual([]);
  }

  /** Asserts the invariant: each waiting unit belongs to a line, and each line has waiting units. */
  async assertLines(): Promise<void> {
    const [wrong] = await sql(
      this.url,
      `select * from (select distinct owner_id, source, lane, planned_connections as connections from units
         where state = 'queued' and not delayed) waiting
       full join queue_lines using (owner_id, source, lane, connections)
       where waiting is null or queue_lines is null`,
    );
    expect(wrong).toBeUndefined();
  }

  async addExport(spec: ExportSpec): Promise<string> {
    const { owner, source = 'iot', kind = 'read', connections = 1, units = 1, seconds = 1 } = spec;
    const id = randomUUID();
    await sql(
      this.url,
      `with created as (
         insert into accounts (id, email, password_hash, role)
         select gen_random_uuid(), $1, '', 'analyst' where not exists (select 1 from accounts where email = $1)
         returning id)
       insert into grants (account_id, source) select id, unnest(array['sales', 'iot']) from created`,
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

  /** Dispatches, and returns the owners of the exports that got slots, in this order. */
  async dispatchedOwners(): Promise<string[]> {
    return (await this.dispatchedExports()).map(({ email }) => email);
  }

  async dispatchedExports(): Promise<{ email: string; id: string }[]> {
    await sql(this.url, 'delete from outbox');
    await dispatch();
    return sql(
      this.url,
      `select a.email, e.id from outbox o join units u on u.dispatch_id = o.dispatch_id
       join exports e on e.id = u.export_id join accounts a on a.id = e.owner_id order by o.id`,
    );
  }

  /** Ends an export and its units. */
  async end(id: string): Promise<void> {
    await sql(
      this.url,
      `with u as (update units set state = 'cancelled' where export_id = $1)
       update exports set state = 'cancelled' where id = $1`,
      [id],
    );
  }
}
