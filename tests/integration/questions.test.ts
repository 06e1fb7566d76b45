import { randomUUID } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { sourceListSchema } from '../../lib/contracts/sources.ts';
import { type Answer, asAdmin, asDemo, asOther, call } from '../stack/api.ts';
import { sourceUrl, sql, stack } from '../stack/stack.ts';
import { until } from '../stack/until.ts';

/** A schema of this file's own. */
const schema = `questions_${Date.now()}`;
const source = sourceUrl('sales');
/** What all processes together may have for questions, by default. */
const most = 6;

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

/** While the server itself lets the reader have so many connections and no more: it counts exactly. */
async function withConnections(count: number, work: () => Promise<void>): Promise<void> {
  const [before] = await sql<{ most: number }>(
    source,
    `select rolconnlimit as most from pg_roles where rolname = '${role}'`,
  );
  await sql(source, `alter role ${role} connection limit ${count}`);
  try {
    await work();
  } finally {
    await sql(source, `alter role ${role} connection limit ${before?.most ?? -1}`);
  }
}

/** A connection is kept for a moment after a question, and not for longer. */
const noneKept = () =>
  until('no connection for questions is left', async () => {
    const left = await sql(
      source,
      `select from pg_stat_activity where application_name in ('streamsync:metadata', 'streamsync:preview')`,
    );
    return left.length === 0 ? true : undefined;
  });

/** Those of other processes, or of one that has died. */
const held = (count: number, account: string | null, interval: string) =>
  sql(
    stack.postgres.catalogue,
    `insert into source_connections (id, source, account_id, held_until)
     select gen_random_uuid(), 'sales', coalesce($2, gen_random_uuid()), now() + $3::interval
     from generate_series(1, $1)`,
    [count, account, interval],
  );

describe('connections for questions, over all processes', () => {
  test('slow questions of one account do not keep others waiting; all together keep to the budget', () =>
    withConnections(most, async () => {
      const slow = Promise.all([
        ...Array.from({ length: 8 }, () => estimate('slow_to_plan', asDemo)),
        preview('slow_to_read', asDemo),
      ]);
      // Once they are there.
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
        // Not that the server has refused one connection too many.
        expect(problem.detail).toMatch(/as many questions|within 5 seconds/);
      }
    }));

  test('when all of them are taken, whoever asks is told to come again', async () => {
    await held(most, null, '1 hour');
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

  test('the last one is for an account that has none, and those of the dead are free in time', async () => {
    await held(most - 1, null, '1 hour');
    expect((await estimate('quick', asDemo)).status).toBe(200);
    await sql(stack.postgres.catalogue, 'delete from source_connections');
    await held(most, null, '-1 second');
    expect((await estimate('quick', asDemo)).status).toBe(200);
    const dead = 'select from source_connections where held_until < now()';
    expect(await sql(stack.postgres.catalogue, dead)).toEqual([]);
  });

  test('a source that takes no more connections is 503, and the others are shown', async () => {
    await withConnections(0, async () => {
      await noneKept();
      for (const answer of [await estimate('quick', asDemo), await preview('quick', asDemo)]) {
        expect(answer.problem()).toMatchObject({ status: 503, code: 'source_unavailable' });
        expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
      }
      expect(salesIn(await list(asDemo))).toMatchObject({ datasets: [] });
    });
    expect((await preview('quick', asDemo)).status).toBe(200);
  });
});

describe('an account has one preview at a time', () => {
  test('another one is told to come again; other accounts are not', async () => {
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

  test('over all processes; one that died with its process ends by itself', async () => {
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

  test('one that is refused, or fails, makes room for the next', async () => {
    expect((await preview('nothing', asDemo)).status).toBe(422);
    expect((await preview('quick', asDemo)).status).toBe(200);
  });
});
