import { randomUUID } from 'node:crypto';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { sessionSchema } from '../../lib/contracts/sessions.ts';
import { newAccount, type OwnAccount } from '../stack/accounts.ts';
import { asDemo, call } from '../stack/api.ts';
import { type RawAnswer, rawCall } from '../stack/raw-call.ts';
import { sql, stack } from '../stack/stack.ts';
import { sweep } from '../stack/sweep.ts';

let account: OwnAccount;
let nextAddress = 1;
/** Addresses that nobody else connects from. */
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

/** As many wrong passwords, a few at a time, so that none is refused because too many wait. */
async function failures(
  count: number,
  one: (n: number) => { from: string; email: string },
): Promise<RawAnswer[]> {
  const tried: RawAnswer[] = [];
  for (let at = 0; at < count; at += 8)
    tried.push(
      ...(await times(Math.min(8, count - at), (n) => {
        const { from, email } = one(at + n);
        return signIn(from, email, 'wrong');
      })),
    );
  return tried;
}

const count = (tried: RawAnswer[], status: number): number =>
  tried.filter((one) => one.status === status).length;

/** As if so many minutes had gone by since every failure. */
const later = (minutes: number) =>
  sql(
    stack.postgres.catalogue,
    `update sign_in_failures set
       failed_at = array(select at - make_interval(mins => $1) from unnest(failed_at) at),
       last_failed_at = last_failed_at - make_interval(mins => $1)`,
    [minutes],
  );

describe('of an account', () => {
  test('ten sign-ins at once may fail and no more, from wherever they come; then the right password is refused as well', async () => {
    // All under way before the first has failed, and the right one behind them.
    const tries = Array.from({ length: 24 }, () => signIn(newAddress(), account.email, 'wrong'));
    await Promise.race(tries);
    const guessed = await signIn(newAddress(), account.email, account.password);
    const tried = await Promise.all(tries);
    expect([count(tried, 401), count(tried, 429)]).toEqual([10, 14]);
    expect(guessed.status).toBe(429);
    const spelled = account.email.toUpperCase();
    for (const email of [account.email, spelled]) {
      const refused = await signIn(newAddress(), email, account.password);
      expect(JSON.parse(refused.text)).toMatchObject({ status: 429, code: 'too_many_requests' });
      const seconds = retryAfter(refused);
      expect(seconds).toBeGreaterThan(14 * 60 - 30);
      expect(seconds).toBeLessThanOrEqual(15 * 60);
    }
    // What it has keeps working.
    expect((await call('GET', '/exports?limit=1', { headers: account.byKey })).status).toBe(200);
  });

  test('refused tries do not lengthen the wait, which ends', async () => {
    await later(14);
    const refused = await signIn(newAddress(), account.email, account.password);
    expect(refused.status).toBe(429);
    expect(retryAfter(refused)).toBeLessThanOrEqual(60);
    await later(1);
    const right = await signIn(newAddress(), account.email, account.password);
    expect(right.status).toBe(201);
    expect(sessionSchema.parse(JSON.parse(right.text)).token).not.toBe('');
  });

  test('the failures of any 15 minutes count, whenever they began, and a success takes none back', async () => {
    const fail = (n: number) => failures(n, () => ({ from: newAddress(), email: account.email }));
    expect(count(await fail(6), 401)).toBe(6);
    await later(10);
    expect((await signIn(newAddress(), account.email, account.password)).status).toBe(201);
    expect(count(await fail(4), 401)).toBe(4);
    const [refused] = await fail(1);
    expect(refused?.status).toBe(429);
    // The six of the beginning leave after five minutes, the others do not.
    expect(retryAfter(refused)).toBeLessThanOrEqual(5 * 60);
    await later(5);
    const more = await fail(8);
    expect([count(more, 401), count(more, 429)]).toEqual([6, 2]);
  });

  test('that does not exist the same is answered', async () => {
    const email = `${randomUUID()}@tests.example`;
    const tried = await failures(16, () => ({ from: newAddress(), email }));
    expect([count(tried, 401), count(tried, 429)]).toEqual([10, 6]);
    const [known, unknown] = await Promise.all(
      [account.email, email].map((one) => signIn(newAddress(), one, 'wrong')),
    );
    const shape = (answer?: RawAnswer): string =>
      (answer?.text ?? '').replaceAll(/(?<!\d)\d+ seconds|"requestId":"[^"]*"/g, '');
    expect(shape(unknown)).toBe(shape(known));
    expect(unknown?.status).toBe(429);
  });
});

test('of an address a hundred may fail, whomever they are about; other addresses are served', async () => {
  const address = newAddress();
  const tried = await failures(112, (n) => ({
    from: address,
    email: `${n}-${address}@tests.example`,
  }));
  expect([count(tried, 401), count(tried, 429)]).toEqual([100, 12]);
  const someone = await newAccount();
  expect((await signIn(address, someone.email, someone.password)).status).toBe(429);
  expect((await signIn(newAddress(), someone.email, someone.password)).status).toBe(201);
});

test('many sign-ins at a time are put off, those of others are not, nor are their calls', async () => {
  const address = newAddress();
  const [busy, other] = [await newAccount(), await newAccount()];
  const many = times(40, () => signIn(address, busy.email, busy.password));
  const served = await signIn(newAddress(), other.email, other.password);
  expect(served.status).toBe(201);
  expect((await call('GET', '/exports?limit=1', { headers: asDemo })).status).toBe(200);
  const answered = await many;
  const putOff = answered.filter(({ status }) => status !== 201);
  expect(putOff.length).toBeGreaterThan(0);
  for (const one of putOff) {
    // 429 is NGINX's, 503 says that too many wait.
    expect([429, 503]).toContain(one.status);
    expect(retryAfter(one)).toBeGreaterThan(0);
  }
});

test('what no limit counts any more is forgotten', async () => {
  await later(16);
  await sweep();
  expect(await sql(stack.postgres.catalogue, 'select subject from sign_in_failures')).toEqual([]);
});
