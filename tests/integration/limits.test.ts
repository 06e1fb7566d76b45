import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { exportEstimateSchema, exportListSchema } from '../../lib/contracts/export-document.ts';
import { type Limits, limitsSchema } from '../../lib/contracts/limits.ts';
import { asAdmin, asDemo, call, createExport, ended } from '../support/api.ts';
import { consume, produce, requested, resultOf, type Topic } from '../support/events.ts';
import { assertNoFile, attemptsOf } from '../support/export-invariants.ts';
import { credentials, sourceUrl, sql, stack } from '../support/stack.ts';
import { waitFor } from '../support/wait-for.ts';

const { email } = credentials.demo;
const schema = `limits_${Date.now()}`;
const of = (dataset: string, more: object = {}) => ({
  sources: ['sales'],
  dataset: `${schema}.${dataset}`,
  format: 'csv',
  ...more,
});
const inUnits = { consistency: 'resumable' };
const rows = 10_000;
let results: Topic;

const path = (of_: string) => `/accounts/${encodeURIComponent(of_)}/limits`;
async function limit(limits: Partial<Limits>): Promise<void> {
  const body = { maxRows: null, maxBytes: null, ...limits };
  const answer = await call('PUT', path(email), { headers: asAdmin, body });
  expect(answer.json(limitsSchema)).toEqual(body);
}
const noLimit = () => limit({});

/**
 * The planner expects `n % 1 = 0` to be rare, so it estimates 50 rows instead of 10,000. The other views have cost
 * functions, which the planner believes, so that their exports are divided into units.
 */
beforeAll(async () => {
  await sql(
    sourceUrl('sales'),
    `create schema ${schema}; set search_path = ${schema}, public;
     create table numbers as
       select n, timestamptz '2024-01-01Z' + n * interval '1 minute' as at from generate_series(1, ${rows}) n;
     analyze numbers;
     create function slow(n int, milliseconds int) returns text language plpgsql immutable cost 200000000
       as 'begin perform pg_sleep(milliseconds * 0.001); return repeat(''x'', 500); end';
     create function dear(n int) returns text language plpgsql immutable cost 1000000 as 'begin return ''x''; end';
     create view underrated as select n, slow(n, 10) as text from numbers where n % 1 = 0;
     create view underrated_units as select n, at, slow(n, 10) as text from numbers where n % 1 = 0;
     create view units as select n, at, dear(n) as text from numbers`,
  );
  results = await consume('exports.results');
});
afterEach(noLimit);
afterAll(async () => {
  await results.close();
  await sql(sourceUrl('sales'), `drop schema ${schema} cascade`);
});

const ask = (request: object) => call('POST', '/exports', { headers: asDemo, body: request });
const retry = (id: string) => {
  failed.delete(id);
  return call('POST', `/exports/${id}/retry`, { headers: asDemo });
};
const newest = async () =>
  (await call('GET', '/exports?limit=1', { headers: asDemo })).json(exportListSchema).items[0]?.id;

async function estimate(request: object) {
  const answer = await call('POST', '/exports/estimate', { headers: asDemo, body: request });
  expect(answer.status).toBe(200);
  return answer.json(exportEstimateSchema);
}

/** Asserts that an export becomes ready; returns its file. */
async function completeExport(request: object) {
  const { id } = await createExport(request);
  const document = await ended(id);
  expect(document).toMatchObject({ status: 'ready', error: null });
  return { id, rows: document.file?.rows ?? 0, bytes: document.file?.bytes ?? 0 };
}

/** The failed exports. One sweep, then one check that nothing of them is left. */
const failed = new Set<string>();

/** Asserts that an export fails because of the limit, in its first attempt; returns the message. */
async function failOverLimit(request: object): Promise<{ id: string; message: string }> {
  const { id } = await createExport(request);
  const { status, error } = await ended(id, 25);
  expect([status, error?.code]).toEqual(['failed', 'over_limit']);
  failed.add(id);
  return { id, message: error?.message ?? '' };
}

/** The other units of an export stop at their next heartbeat. */
async function assertNothingLeft(id: string): Promise<void> {
  await waitFor('the attempts of the export have ended', async () =>
    (await attemptsOf(id)).includes('running') ? undefined : true,
  );
  await assertNoFile(id, { status: 'failed', results });
  expect(await attemptsOf(id)).not.toContain('retried');
}

describe('limits of an account', () => {
  test('an administrator sets and reads the limits of an account, whatever the case of the email', async () => {
    const read = async () =>
      (await call('GET', path(email), { headers: asAdmin })).json(limitsSchema);
    expect(await read()).toEqual({ maxRows: null, maxBytes: null });
    const limits = { maxRows: 1, maxBytes: Number.MAX_SAFE_INTEGER };
    const answer = await call('PUT', path(email.toUpperCase()), { headers: asAdmin, body: limits });
    expect([answer.status, answer.json(limitsSchema)]).toEqual([200, limits]);
    expect(await read()).toEqual(limits);
  });

  test('limits are forbidden to other accounts, and not found for an unknown account', async () => {
    const body = { maxRows: null, maxBytes: null };
    for (const method of ['GET', 'PUT']) {
      const question = method === 'PUT' ? { body } : {};
      const by = (headers: Record<string, string>, whose: string) =>
        call(method, path(whose), { ...question, headers });
      expect((await by(asDemo, email)).problem()).toMatchObject({ status: 403 });
      expect((await by({}, email)).problem()).toMatchObject({ status: 401 });
      expect((await by(asAdmin, 'unknown@streamsync.example')).problem()).toMatchObject({
        status: 404,
        code: 'not_found',
      });
    }
  });

  test.each([
    [{ maxRows: 5 }, 'maxBytes', 'is required'],
    [{ maxRows: 0, maxBytes: null }, 'maxRows', 'must be at least 1'],
    [{ maxRows: null, maxBytes: 1.5 }, 'maxBytes', 'must be of type int'],
    [{ maxRows: '5', maxBytes: null }, 'maxRows', 'must be of type number'],
    [{ maxRows: null, maxBytes: null, rows: 1 }, 'rows', 'is not a known field'],
  ])('limits cannot be %j', async (body, field, message) => {
    const answer = await call('PUT', path(email), { headers: asAdmin, body });
    expect(answer.problem()).toMatchObject({ status: 422, errors: [{ field, message }] });
  });
});

describe('limits before the export starts', () => {
  test('a request with an estimate of more than twice the limit is rejected; twice the limit is accepted', async () => {
    const before = await newest();
    await limit({ maxRows: rows / 2 - 1 });
    const problem = (await ask(of('numbers'))).problem();
    expect(problem).toMatchObject({
      status: 422,
      code: 'over_limit',
      detail:
        'The export would have about 10,000 rows; an export of your account may have 4,999. Ask for a shorter range or fewer columns, or ask your administrator for a higher limit.',
    });
    expect(await newest()).toBe(before);
    const estimated = await estimate(of('numbers'));
    expect(estimated).toMatchObject({
      rows,
      limits: { maxRows: rows / 2 - 1, maxBytes: null },
      refusal: { code: 'over_limit', message: problem.detail },
    });

    await limit({ maxRows: rows / 2 });
    expect((await estimate(of('numbers'))).refusal).toBeNull();
    await failOverLimit(of('numbers'));
  });

  test.each([{ format: 'csv' }, { format: 'ndjson', compression: 'gzip', ...inUnits }])(
    'a request with an estimate of more than twice the limit of bytes is rejected: %j',
    async (more) => {
      const request = of('numbers', more);
      const { bytes } = await estimate(request);
      await limit({ maxBytes: Math.ceil(bytes / 2) - 1 });
      const problem = (await ask(request)).problem();
      expect(problem).toMatchObject({ status: 422, code: 'over_limit' });
      expect(problem.detail).toContain(`about ${bytes.toLocaleString('en')} bytes;`);
      expect((await estimate(request)).refusal?.message).toBe(problem.detail);
      await limit({ maxBytes: Math.ceil(bytes / 2) });
      expect((await estimate(request)).refusal).toBeNull();
    },
  );

  test('a request by event over the limit is rejected', async () => {
    await limit({ maxRows: 10 });
    const event = requested({ ...of('numbers'), requestedBy: email }, randomUUID());
    await produce('exports.requested', [{ value: JSON.stringify(event) }]);
    const { data } = await resultOf(results, event.id, 'rejected');
    expect(data).toMatchObject({
      message: expect.stringContaining('10,000 rows'),
      problem: { status: 422, code: 'over_limit' },
    });
  });

  test('an estimate reports that a snapshot would take too long', async () => {
    const { refusal } = await estimate(of('numbers', { columns: ['n'] }));
    expect(refusal).toBeNull();
    const slow = await estimate({ ...of('too_slow'), dataset: await tooSlow() });
    expect(slow.refusal?.code).toBe('too_large_for_snapshot');
    // If the export is over the account's limit as well, another consistency does not help.
    await limit({ maxRows: 10 });
    expect((await ask({ ...of('too_slow'), dataset: `${schema}.too_slow` })).problem().code).toBe(
      'over_limit',
    );
  });

  async function tooSlow(): Promise<string> {
    await sql(
      sourceUrl('sales'),
      `create view ${schema}.too_slow as select n, ${schema}.slow(n, 1) as text from ${schema}.numbers`,
    );
    return `${schema}.too_slow`;
  }
});

describe('limits while the export runs', () => {
  test.each([
    { format: 'csv' },
    { format: 'csv', compression: 'gzip' },
    { format: 'xlsx' },
    { format: 'parquet' },
    { format: 'csv', ...inUnits },
  ])(
    'an export fails by one row or byte over the limit, and is ready at the limit: %j',
    async (more) => {
      const isDivided = 'consistency' in more;
      const request = of(isDivided ? 'units' : 'numbers', more);
      const { id, bytes } = await completeExport(request);
      if (isDivided) expect((await unitsOf(id)).length).toBeGreaterThan(3);

      await limit({ maxRows: rows, maxBytes: bytes });
      expect(await completeExport(request)).toMatchObject({ rows, bytes });
      await limit({ maxRows: rows - 1 });
      expect((await failOverLimit(request)).message).toBe(
        'The export has more than the 9,999 rows that an export of your account may have: it was ended at 10,000. Ask for a shorter range or fewer columns, or ask your administrator for a higher limit.',
      );
      await limit({ maxBytes: bytes - 1 });
      const { id: again, message } = await failOverLimit(request);
      const format = (count: number) => count.toLocaleString('en');
      expect(message).toContain(`more than the ${format(bytes - 1)} bytes `);
      expect(message).toContain(`ended at ${format(bytes)}.`);
      // The unit outputs alone are within the limit; the header of the file exceeds it.
      if (isDivided)
        expect((await unitsOf(again)).map(({ kind, state }) => `${kind} ${state}`)).toContain(
          'finalize failed',
        );

      // A rerun succeeds after the limit was raised.
      if (!isDivided) await assertNothingLeft(again);
      await limit({ maxBytes: bytes });
      expect((await retry(again)).status).toBe(202);
      expect(await ended(again)).toMatchObject({ status: 'ready', file: { rows, bytes } });
    },
  );

  test('an export over the limit stops at once instead of reading the source to its end', async () => {
    await limit({ maxRows: 30 });
    const { id, message } = await failOverLimit(of('underrated'));
    expect(endedAt(message)).toBeLessThan(rows / 4);
    await assertNothingLeft(id);
    // The known row count is not higher than before, so a rerun is accepted, and fails as well.
    expect((await retry(id)).status).toBe(202);
    expect(await ended(id)).toMatchObject({ status: 'failed', error: { code: 'over_limit' } });
    await limit({ maxRows: 10 });
    expect((await retry(id)).problem()).toMatchObject({ status: 422, code: 'over_limit' });
  });

  test('an export in units stops at once if only the sum of its units is over the limit', async () => {
    await limit({ maxRows: 500 });
    const { id, message } = await failOverLimit(of('underrated_units', inUnits));
    expect(endedAt(message)).toBeGreaterThan(500);
    expect(endedAt(message)).toBeLessThan(rows / 4);
    const units = await unitsOf(id);
    const reading = units.filter((unit) => unit.rows > 0);
    expect(reading.length).toBeGreaterThan(1);
    for (const unit of reading) expect(unit.rows).toBeLessThan(500);
  });

  test('an export in units that fails over the limit does not start its last units', async () => {
    await limit({ maxRows: rows / 2 });
    const { id } = await failOverLimit(of('units', inUnits));
    const units = await unitsOf(id);
    expect(units.map(({ kind }) => kind)).not.toContain('finalize');
    expect(units.map(({ state }) => state)).toContain('failed');
  });

  test('nothing is left of an export that failed over the limit', async () => {
    expect(failed.size).toBeGreaterThan(5);
    for (const id of failed) await assertNothingLeft(id);
  });

  const endedAt = (message: string): number =>
    Number(/ended at ([\d,]+)\./.exec(message)?.[1]?.replaceAll(',', ''));
});

const unitsOf = (id: string) =>
  sql<{ kind: string; state: string; rows: number }>(
    stack.postgres.catalogue,
    'select kind, state, rows::int from units where export_id = $1 order by ordinal',
    [id],
  );
