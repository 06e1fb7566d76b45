import { randomUUID } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { sourceListSchema } from '../../lib/contracts/sources.ts';
import { type Answer, asAdmin, asDemo, asOther, call } from '../support/api.ts';
import { sourceUrl, sql, stack } from '../support/stack.ts';
import { waitFor } from '../support/wait-for.ts';

/** A schema of this file's own. */
const schema = `questions_${Date.now()}`;
const source = sourceUrl('sales');
/** The default maximum of connections for questions, over all processes. */
const maxQuestions = 6;

beforeAll(async () => {
  await sql(
    source,
    `create schema ${schema};
     create table ${schema}.quick as select n as id, timestamptz '2024-01-01Z' + n * interval '1 h' as at
       from generate_series(1, 30) n;
     -- Immutable: it is called while the planner makes its estimate.
     create function ${schema}.think() returns int language plpgsql immutable as $$
       begin perform pg_sleep(2); return 1; end $$;
     create view ${schema}.slow_to_plan as select id from ${schema}.quick where id >= ${schema}.think();
     create view ${schema}.slow_to_read as
       select i as id, pg_sleep(1) is null as slept from generate_series(1, 100) i`,
  );
});
afterEach(async () => {
  await sql(stack.postgres.catalogue, 'delete from source_connections; delete from previews');
});
afterAll(async () => {
  await sql(source, `drop schema ${schema} cascade`);
});

const of = (dataset: string) => ({
  sources: ['sales'],
  dataset: `${schema}.${dataset}`,
  format: 'csv',
});
type Who = Record<string, string>;
const estimate = (dataset: string, headers: Who) =>
  call('POST', '/exports/estimate', { headers, body: of(dataset) });
const preview = (dataset: string, headers: Who) =>
  call('POST', '/exports/preview', { headers, body: of(dataset) });
const list = (headers: Who) => call('GET', '/sources', { headers });
const histogram = (headers: Who) =>
  call('GET', `/sources/sales/datasets/${schema}.quick/histogram`, { headers });

const salesIn = (answer: Answer) =>
  answer.json(sourceListSchema).sources.find(({ name }) => name === 'sales');

const role = 'streamsync_reader_sales';

/** Runs `work` while the reader can have exactly `count` connections; the server enforces the limit. */
async function withConnections(count: number, work: () => Promise<void>): Promise<void> {
  const [before] = await sql<{ connectionLimit: number }>(
    source,
    `select rolconnlimit as "connectionLimit" from pg_roles where rolname = '${role}'`,
  );
  await sql(source, `alter role ${role} connection limit ${count}`);
  try {
    await work();
  } finally {
    await sql(source, `alter role ${role} connection limit ${before?.connectionLimit ?? -1}`);
  }
}

/** Waits until no connection for questions is left; each is kept for some seconds after its question. */
const questionConnectionsEnd = () =>
  waitFor('no connection for questions is left', async () => {
    const left = await sql(
      source,
      `select from pg_stat_activity where application_name in ('streamsync:metadata', 'streamsync:preview')`,
    );
    return left.length === 0 ? true : undefined;
  });

/** Inserts connections that are held by other processes, or by a dead one. */
const insertHeld = (count: number, account: string | null, interval: string) =>
  sql(
    stack.postgres.catalogue,
    `insert into source_connections (id, source, account_id, held_until)
     select gen_random_uuid(), 'sales', coalesce($2, gen_random_uuid()), now() + $3::interval
     from generate_series(1, $1)`,
    [count, account, interval],
  );

describe('connections for questions, over all processes', () => {
  test('slow questions of one account do not block other accounts, and all questions keep within the budget', () =>
    withConnections(maxQuestions, async () => {
      const slow = Promise.all([
        ...Array.from({ length: 8 }, () => estimate('slow_to_plan', asDemo)),
        preview('slow_to_read', asDemo),
      ]);
      // The slow questions have started by then.
      await setTimeout(500);
      for (const who of [asOther, asAdmin]) {
        expect((await estimate('quick', who)).status).toBe(200);
        expect((await preview('quick', who)).status).toBe(200);
        expect((await histogram(who)).status).toBe(200);
        const sales = salesIn(await list(who));
        expect(sales?.error).toBeUndefined();
        expect(sales?.datasets.length).toBeGreaterThan(0);
      }
      const answers = await slow;
      expect(answers.filter(({ status }) => status === 200).length).toBeGreaterThan(0);
      for (const answer of answers.filter(({ status }) => status !== 200)) {
        const problem = answer.problem();
        expect(problem.status).toBe(503);
        // The server has not rejected a connection over the limit.
        expect(problem.detail).toMatch(/as many questions|within 5 seconds/);
      }
    }));

  test('a question is rejected with Retry-After while all connections for questions are in use', async () => {
    await insertHeld(maxQuestions, null, '1 hour');
    const [estimated, previewed, counted, created, listed] = await Promise.all([
      estimate('quick', asDemo),
      preview('quick', asDemo),
      histogram(asDemo),
      call('POST', '/exports', { headers: asDemo, body: of('quick') }),
      list(asOther),
    ]);
    for (const answer of [estimated, previewed, counted, created]) {
      expect(answer.problem()).toMatchObject({ status: 503, code: 'source_unavailable' });
      expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
    }
    expect(salesIn(listed)).toMatchObject({
      error: expect.stringMatching(/try again/),
      datasets: [],
    });
    expect(listed.json(sourceListSchema).sources).toContainEqual(
      expect.objectContaining({
        name: 'iot',
        datasets: expect.arrayContaining([expect.anything()]),
      }),
    );
  });

  test('the last connection is reserved for an account without one, and those of dead processes expire', async () => {
    await insertHeld(maxQuestions - 1, null, '1 hour');
    expect((await estimate('quick', asDemo)).status).toBe(200);
    await sql(stack.postgres.catalogue, 'delete from source_connections');
    await insertHeld(maxQuestions, null, '-1 second');
    expect((await estimate('quick', asDemo)).status).toBe(200);
    const dead = 'select from source_connections where held_until < now()';
    expect(await sql(stack.postgres.catalogue, dead)).toEqual([]);
  });

  test('questions to a source without free connections are rejected with 503, and other sources are listed', async () => {
    await withConnections(0, async () => {
      await questionConnectionsEnd();
      for (const answer of [await estimate('quick', asDemo), await preview('quick', asDemo)]) {
        expect(answer.problem()).toMatchObject({ status: 503, code: 'source_unavailable' });
        expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
      }
      expect(salesIn(await list(asDemo))).toMatchObject({ datasets: [] });
    });
    expect((await preview('quick', asDemo)).status).toBe(200);
  });
});

describe('one preview per account', () => {
  test('a second preview of an account is rejected with Retry-After, one of another account is not', async () => {
    const [first, second, others] = await Promise.all([
      preview('slow_to_read', asDemo),
      setTimeout(1_000).then(() => preview('quick', asDemo)),
      setTimeout(1_000).then(() => preview('quick', asOther)),
    ]);
    expect(first.problem().code).toBe('source_timeout');
    expect(second.problem()).toMatchObject({ status: 429, code: 'too_many_requests' });
    expect(Number(second.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(others.status).toBe(200);
    expect((await preview('quick', asDemo)).status).toBe(200);
  });

  test('one preview per account holds over all processes, and a preview of a dead process expires', async () => {
    const take = (interval: string) =>
      sql(
        stack.postgres.catalogue,
        `insert into previews (account_id, id, held_until)
         select id, $1, now() + $2::interval from accounts where email like 'demo@%'
         on conflict (account_id) do update set held_until = excluded.held_until`,
        [randomUUID(), interval],
      );
    await take('1 minute');
    expect((await preview('quick', asDemo)).status).toBe(429);
    await take('-1 second');
    expect((await preview('quick', asDemo)).status).toBe(200);
  });

  test('a preview that is rejected or fails allows the next one', async () => {
    expect((await preview('nothing', asDemo)).status).toBe(422);
    expect((await preview('quick', asDemo)).status).toBe(200);
  });
});
