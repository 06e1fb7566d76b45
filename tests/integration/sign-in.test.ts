import { randomUUID } from 'node:crypto';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { sessionSchema } from '../../lib/contracts/sessions.ts';
import { newAccount, type OwnAccount } from '../support/accounts.ts';
import { asDemo, call } from '../support/api.ts';
import { type RawAnswer, rawCall } from '../support/raw-call.ts';
import { sql, stack } from '../support/stack.ts';
import { sweep } from '../support/sweep.ts';

let account: OwnAccount;
let nextAddress = 1;
/** Returns a client address that no other test uses. */
const newAddress = (): string =>
  `127.9.${Math.floor(nextAddress / 250)}.${(nextAddress++ % 250) + 1}`;

beforeAll(async () => {
  account = await newAccount();
  await sql(stack.postgres.catalogue, 'delete from sign_in_failures');
});

const signIn = (from: string, email: string, password: string): Promise<RawAnswer> =>
  rawCall({ method: 'POST', path: '/sessions', from, body: { email, password } });

const retryAfter = (answer: RawAnswer | undefined): number =>
  Number(answer?.headers.get('retry-after') ?? Number.NaN);

const times = <T>(count: number, one: (n: number) => Promise<T>): Promise<T[]> =>
  Promise.all(Array.from({ length: count }, (_, n) => one(n)));

/** Signs in with `count` wrong passwords, a few at a time, so that none is rejected because too many sign-ins wait. */
async function failures(
  count: number,
  one: (n: number) => { from: string; email: string },
): Promise<RawAnswer[]> {
  const answers: RawAnswer[] = [];
  for (let at = 0; at < count; at += 8)
    answers.push(
      ...(await times(Math.min(8, count - at), (n) => {
        const { from, email } = one(at + n);
        return signIn(from, email, 'wrong');
      })),
    );
  return answers;
}

const count = (answers: RawAnswer[], status: number): number =>
  answers.filter((one) => one.status === status).length;

/** Moves every failure `minutes` minutes into the past. */
const later = (minutes: number) =>
  sql(
    stack.postgres.catalogue,
    `update sign_in_failures set
       failed_at = array(select at - make_interval(mins => $1) from unnest(failed_at) at),
       last_failed_at = last_failed_at - make_interval(mins => $1)`,
    [minutes],
  );

describe('limit of failed sign-ins of an account', () => {
  test('an account can have ten failed sign-ins in parallel, from any address; then the right password is rejected as well', async () => {
    // All sign-ins are in flight before the first has failed, with the right password as the last.
    const pendingSignIns = Array.from({ length: 24 }, () =>
      signIn(newAddress(), account.email, 'wrong'),
    );
    await Promise.race(pendingSignIns);
    const guessed = await signIn(newAddress(), account.email, account.password);
    const answers = await Promise.all(pendingSignIns);
    expect([count(answers, 401), count(answers, 429)]).toEqual([10, 14]);
    expect(guessed.status).toBe(429);
    const spelled = account.email.toUpperCase();
    for (const email of [account.email, spelled]) {
      const rejected = await signIn(newAddress(), email, account.password);
      expect(JSON.parse(rejected.text)).toMatchObject({ status: 429, code: 'too_many_requests' });
      const seconds = retryAfter(rejected);
      expect(seconds).toBeGreaterThan(14 * 60 - 30);
      expect(seconds).toBeLessThanOrEqual(15 * 60);
    }
    // The key of the account is still accepted.
    expect((await call('GET', '/exports?limit=1', { headers: account.byKey })).status).toBe(200);
  });

  test('rejected sign-ins do not extend the wait of an account', async () => {
    await later(14);
    const rejected = await signIn(newAddress(), account.email, account.password);
    expect(rejected.status).toBe(429);
    expect(retryAfter(rejected)).toBeLessThanOrEqual(60);
    await later(1);
    const right = await signIn(newAddress(), account.email, account.password);
    expect(right.status).toBe(201);
    expect(sessionSchema.parse(JSON.parse(right.text)).token).not.toBe('');
  });

  test('failed sign-ins count for 15 minutes each, and a successful sign-in does not reset them', async () => {
    const fail = (n: number) => failures(n, () => ({ from: newAddress(), email: account.email }));
    expect(count(await fail(6), 401)).toBe(6);
    await later(10);
    expect((await signIn(newAddress(), account.email, account.password)).status).toBe(201);
    expect(count(await fail(4), 401)).toBe(4);
    const [rejected] = await fail(1);
    expect(rejected?.status).toBe(429);
    // The first six expire after five minutes.
    expect(retryAfter(rejected)).toBeLessThanOrEqual(5 * 60);
    await later(5);
    const more = await fail(8);
    expect([count(more, 401), count(more, 429)]).toEqual([6, 2]);
  });

  test('sign-ins of an unknown account get the same answers as of a known one', async () => {
    const email = `${randomUUID()}@tests.example`;
    const answers = await failures(16, () => ({ from: newAddress(), email }));
    expect([count(answers, 401), count(answers, 429)]).toEqual([10, 6]);
    const [known, unknown] = await Promise.all(
      [account.email, email].map((one) => signIn(newAddress(), one, 'wrong')),
    );
    const shape = (answer?: RawAnswer): string =>
      (answer?.text ?? '').replaceAll(/(?<!\d)\d+ seconds|"requestId":"[^"]*"/g, '');
    expect(shape(unknown)).toBe(shape(known));
    expect(unknown?.status).toBe(429);
  });
});

test('an address can have 100 failed sign-ins for any accounts; other addresses are unaffected', async () => {
  const address = newAddress();
  const answers = await failures(112, (n) => ({
    from: address,
    email: `${n}-${address}@tests.example`,
  }));
  expect([count(answers, 401), count(answers, 429)]).toEqual([100, 12]);
  const someone = await newAccount();
  expect((await signIn(address, someone.email, someone.password)).status).toBe(429);
  expect((await signIn(newAddress(), someone.email, someone.password)).status).toBe(201);
});

test('many parallel sign-ins of one address are rejected; other addresses and calls are unaffected', async () => {
  const address = newAddress();
  const [busy, other] = [await newAccount(), await newAccount()];
  const pending = times(40, () => signIn(address, busy.email, busy.password));
  const served = await signIn(newAddress(), other.email, other.password);
  expect(served.status).toBe(201);
  expect((await call('GET', '/exports?limit=1', { headers: asDemo })).status).toBe(200);
  const answered = await pending;
  const rejected = answered.filter(({ status }) => status !== 201);
  expect(rejected.length).toBeGreaterThan(0);
  for (const one of rejected) {
    // NGINX answers 429; the API answers 503 if too many sign-ins wait.
    expect([429, 503]).toContain(one.status);
    expect(retryAfter(one)).toBeGreaterThan(0);
  }
});

test('the sweep deletes failed sign-ins that no limit counts', async () => {
  await later(16);
  await sweep();
  expect(await sql(stack.postgres.catalogue, 'select subject from sign_in_failures')).toEqual([]);
});
