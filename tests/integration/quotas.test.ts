import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { meSchema } from '../../lib/contracts/accounts.ts';
import { exportRejectedSchema } from '../../lib/contracts/events.ts';
import { exportDocumentSchema } from '../../lib/contracts/export-document.ts';
import { type AccountLimits, accountLimitsSchema } from '../../lib/contracts/limits.ts';
import { newAccount, type OwnAccount } from '../support/accounts.ts';
import { type Answer, asAdmin, call } from '../support/api.ts';
import { consume, produce, requested, resultsOf, type Topic } from '../support/events.ts';
import { sourceUrl, sql, stack } from '../support/stack.ts';
import { waitFor } from '../support/wait-for.ts';

const schema = `quotas_${Date.now()}`;
const rows = 1_000;
const of = (dataset: string, more: object = {}) => ({
  sources: ['sales'],
  dataset: `${schema}.${dataset}`,
  format: 'csv',
  ...more,
});
const whole = of('numbers');
let account: OwnAccount;
let results: Topic;

/** The planner expects `n % 1 = 0` to be rare: the estimate of `underrated` is far too low. */
beforeAll(async () => {
  await sql(
    sourceUrl('sales'),
    `create schema ${schema}; set search_path = ${schema}, public;
     create table numbers as select n, timestamptz '2024-01-01Z' + n * interval '1 minute' as at
       from generate_series(1, ${rows}) n;
     alter table numbers add primary key (n); analyze numbers;
     create function dear(n int) returns text language plpgsql immutable cost 200000000
       as 'begin return ''x''; end';
     create function slow(n int) returns text language plpgsql immutable cost 100
       as 'begin perform pg_sleep(0.01); return repeat(''x'', 1000); end';
     create view underrated as select n from numbers where n % 1 = 0;
     create function costly(n int) returns text language plpgsql immutable cost 10000000
       as 'begin return ''x''; end';
     create view units as select n, at, costly(n) as text from numbers;
     create view underrated_units as select n, at, dear(n) as text from numbers where n % 1 = 0;
     create view slowly as select n, slow(n) as text from numbers where n % 1 = 0`,
  );
  results = await consume('exports.results');
});
afterAll(async () => {
  await results.close();
  await sql(sourceUrl('sales'), `drop schema ${schema} cascade`);
});
beforeAll(async () => {
  account = await newAccount();
});
afterEach(async () => {
  // The next test has an account that has used nothing.
  account = await newAccount();
});

async function setQuotas(quotas: Partial<AccountLimits>): Promise<void> {
  const body = { maxRows: null, maxBytes: null, ...quotas };
  const path = `/accounts/${encodeURIComponent(account.email)}/limits`;
  const answer = await call('PUT', path, { headers: asAdmin, body });
  expect(answer.json(accountLimitsSchema)).toEqual(body);
}

const create = (request: object): Promise<Answer> =>
  call('POST', '/exports', { headers: account.byKey, body: request });

const idOf = (answer: Answer): string => {
  expect(answer.status).toBe(202);
  return answer.json(exportDocumentSchema).id;
};

const endedDocument = (id: string) =>
  waitFor(`export ${id} ends`, async () => {
    const answer = await call('GET', `/exports/${id}`, { headers: account.byKey });
    const document = answer.json(exportDocumentSchema);
    return document.finishedAt === null ? undefined : document;
  });

const usage = async () =>
  (await call('GET', '/me', { headers: account.byKey })).json(meSchema).usage;

const secondsToMidnight = (): number => (86_400_000 - (Date.now() % 86_400_000)) / 1_000;

/** Asserts a rejection by a quota a day, which says what is left and when it resets. */
function expectUsedUp(answer: Answer, left: string): void {
  expect(answer.problem()).toMatchObject({
    status: 429,
    code: 'too_many_requests',
    detail: expect.stringContaining(`${left} are left`),
  });
  expect(answer.problem().detail).toContain('00:00 UTC');
  const retryAfter = Number(answer.headers.get('retry-after'));
  expect(Math.abs(retryAfter - secondsToMidnight())).toBeLessThan(60);
}

/** Runs `work` while no unit of the source is dispatched, so that exports wait. */
async function whilePaused(work: () => Promise<void>): Promise<void> {
  await call('POST', '/sources/sales/pause', { headers: asAdmin, body: { reason: 'quotas' } });
  try {
    await work();
  } finally {
    await call('DELETE', '/sources/sales/pause', { headers: asAdmin });
  }
}

test('GET /me has the quotas that apply', async () => {
  await setQuotas({ maxRowsPerDay: 1_000 });
  expect((await usage()).quotas).toEqual({
    runningExports: null,
    rowsPerDay: 1_000,
    bytesPerDay: null,
  });
});

test('GET /me has what units have written today', async () => {
  expect(await usage()).toMatchObject({ runningExports: 0, rowsToday: 0, bytesToday: 0 });
  const { file } = await endedDocument(idOf(await create(whole)));
  const used = await usage();
  expect(used).toMatchObject({ runningExports: 0, rowsToday: rows, bytesToday: file?.bytes });
  const resets = new Date(used.resetsAt);
  expect(resets.getTime() % 86_400_000).toBe(0);
  expect(resets.getTime() - Date.now()).toBeLessThanOrEqual(86_400_000);
  await endedDocument(idOf(await create(of('units', { consistency: 'resumable' }))));
  expect(await usage()).toMatchObject({ rowsToday: 2 * rows });
});

test('an account with a quota of rows gets 429 when it is used up, by event too, until midnight', async () => {
  await setQuotas({ maxRowsPerDay: rows + 200 });
  await endedDocument(idOf(await create(whole)));
  expectUsedUp(await create(whole), '200');
  const small = { ...whole, where: [{ column: 'n', op: 'lte', value: 100 }] };
  await endedDocument(idOf(await create(small)));
  const event = requested({ ...whole, requestedBy: account.email });
  await produce('exports.requested', [{ value: JSON.stringify(event) }]);
  const rejection = await waitFor('the event is rejected', async () =>
    results.messages
      .map(({ value }) => exportRejectedSchema.safeParse(JSON.parse(String(value))))
      .find((read) => read.success && read.data.data.requestId === event.id),
  );
  expect(rejection.data?.data.problem).toMatchObject({
    code: 'too_many_requests',
    detail: expect.stringContaining('100 are left'),
  });
  expect(resultsOf(results, event.id, 'accepted')).toEqual([]);
  // Tomorrow.
  await sql(
    stack.postgres.catalogue,
    'update daily_usage set day = day - 1 where account_id = $1',
    [account.id],
  );
  await endedDocument(idOf(await create(whole)));
});

test('an account with a quota of bytes gets 429 when it is used up', async () => {
  const { file } = await endedDocument(idOf(await create(whole)));
  await setQuotas({ maxBytesPerDay: (file?.bytes ?? 0) + 100 });
  expectUsedUp(await create(whole), '100');
});

test('waiting exports reserve what they are estimated to write', async () => {
  await setQuotas({ maxRowsPerDay: 2 * rows });
  await whilePaused(async () => {
    const first = idOf(await create(whole));
    idOf(await create(whole));
    expectUsedUp(await create(whole), '0');
    // A cancelled export needs nothing.
    await call('DELETE', `/exports/${first}`, { headers: account.byKey });
    idOf(await create(whole));
  });
});

test('concurrent requests cannot exceed a quota', async () => {
  await setQuotas({ maxRowsPerDay: 3 * rows, maxRunningExports: 5 });
  await whilePaused(async () => {
    const answers = await Promise.all(Array.from({ length: 8 }, () => create(whole)));
    expect(answers.filter(({ status }) => status === 202)).toHaveLength(3);
    for (const answer of answers) if (answer.status !== 202) expectUsedUp(answer, '0');
  });
});

test('an account cannot have more unfinished exports than its quota, even with concurrent requests', async () => {
  await setQuotas({ maxRunningExports: 2 });
  await whilePaused(async () => {
    const answers = await Promise.all(Array.from({ length: 6 }, () => create(whole)));
    const accepted = answers.filter(({ status }) => status === 202);
    expect(accepted).toHaveLength(2);
    for (const answer of answers.filter(({ status }) => status !== 202)) {
      expect(answer.problem()).toMatchObject({
        status: 429,
        code: 'too_many_requests',
        detail: expect.stringContaining('0 are left'),
      });
      expect(answer.headers.get('retry-after')).toBe('10');
    }
    expect(await usage()).toMatchObject({ runningExports: 2 });
    const [first] = accepted;
    await call('DELETE', `/exports/${first && idOf(first)}`, { headers: account.byKey });
    const next = idOf(await create(whole));
    // Running an ended export again counts like a new one.
    const retry = await call('POST', `/exports/${first && idOf(first)}/retry`, {
      headers: account.byKey,
    });
    expect(retry.status).toBe(429);
    await call('DELETE', `/exports/${next}`, { headers: account.byKey });
  });
});

describe('an export that passes a quota', () => {
  test.each([
    ['at its end', of('underrated')],
    ['at the end of a unit', of('underrated_units', { consistency: 'resumable' })],
    ['while it runs', of('slowly')],
  ])('%s fails with a clear error and has no file', async (_, request) => {
    const quota = rows / 2;
    await setQuotas({ maxRowsPerDay: quota });
    const document = await endedDocument(idOf(await create(request)));
    expect(document).toMatchObject({
      status: 'failed',
      file: null,
      error: {
        code: 'over_limit',
        message: expect.stringMatching(/may export 500 rows a day.*resets at 00:00 UTC/),
      },
    });
    expect((await usage()).rowsToday).toBeLessThanOrEqual(quota);
  });

  test('is the later one, if two run', async () => {
    await setQuotas({ maxRowsPerDay: 1.5 * rows });
    const first = idOf(await create(of('slowly')));
    const second = idOf(await create(of('slowly')));
    expect(await endedDocument(second)).toMatchObject({ error: { code: 'over_limit' } });
    expect(await endedDocument(first)).toMatchObject({ status: 'ready' });
  });
});

test('a quota must be a positive whole number', async () => {
  const path = `/accounts/${encodeURIComponent(account.email)}/limits`;
  const body = { maxRows: null, maxBytes: null, maxRowsPerDay: 0 };
  const answer = await call('PUT', path, { headers: asAdmin, body });
  expect(answer.problem()).toMatchObject({ status: 422, errors: [{ field: 'maxRowsPerDay' }] });
});
