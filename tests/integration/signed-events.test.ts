import { execFile } from 'node:child_process';
import { generateKeyPairSync, type KeyObject, randomUUID } from 'node:crypto';
import { mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import canonicalize from 'canonicalize';
import { CompactSign } from 'jose';
import { type EventPolicy, eventPolicySchema } from '../../lib/contracts/event-policy.ts';
import { exportRejectedSchema } from '../../lib/contracts/events.ts';
import { newAccount, type OwnAccount } from '../support/accounts.ts';
import { asAdmin, asDemo, call, monthOfOrders } from '../support/api.ts';
import {
  consume,
  inBinaryMode,
  produce,
  requested,
  resultOf,
  resultsOf,
  type Topic,
} from '../support/events.ts';
import { credentials, home } from '../support/stack.ts';

const source = '/warehouse';
const ed = generateKeyPairSync('ed25519');
const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const former = generateKeyPairSync('ed25519');
const foreign = generateKeyPairSync('ed25519');
const jwk = ({ publicKey }: { publicKey: KeyObject }, kid: string) => ({
  ...publicKey.export({ format: 'jwk' }),
  kid,
});

let account: OwnAccount;
let results: Topic;

const path = (email: string) => `/accounts/${encodeURIComponent(email)}/event-policy`;
const put = (email: string, body: unknown, headers: Record<string, string> = asAdmin) =>
  call('PUT', path(email), { headers, body });
async function setPolicy(email: string, policy: object): Promise<EventPolicy> {
  const answer = await put(email, { mode: 'signed', sources: null, keys: [], ...policy });
  if (answer.status !== 200) throw new Error(answer.bytes.toString());
  return answer.json(eventPolicySchema);
}

beforeAll(async () => {
  account = await newAccount();
  results = await consume('exports.results');
});
afterAll(() => results.close());

/** Signs an event as another system would, without our code. */
async function sign<E extends object>(event: E, by: { privateKey: KeyObject }, kid: string) {
  const alg = by.privateKey.asymmetricKeyType === 'ec' ? 'ES256' : 'Ed25519';
  const jws = await new CompactSign(new TextEncoder().encode(canonicalize(event)))
    .setProtectedHeader({ alg, kid, typ: 'streamsync-event+jws' })
    .sign(by.privateKey);
  return { ...event, signature: jws.replace(/\..*\./, '..') };
}

const small = { ...monthOfOrders, columns: ['id'] };
const requestEvent = (more: object = {}, requestedBy = account.email) => ({
  ...requested({ ...small, requestedBy }),
  source,
  time: new Date().toISOString(),
  ...more,
});
/** Sends events to one partition, so that they are read in this order. */
const send = (...events: object[]) =>
  produce(
    'exports.requested',
    events.map((event) => ({ value: JSON.stringify(event), partition: 0 })),
  );
async function rejection(id: string) {
  const { data } = exportRejectedSchema.parse(await resultOf(results, id, 'rejected'));
  return data.problem;
}

describe('event policy of an account', () => {
  test('only an administrator can read and set the event policy, whatever the body', async () => {
    const good = { mode: 'unsigned', sources: null, keys: [] };
    for (const body of [good, {}])
      expect((await put(account.email, body, asDemo)).problem()).toMatchObject({ status: 403 });
    expect((await call('GET', path(account.email), { headers: asDemo })).problem().status).toBe(
      403,
    );
    expect((await call('GET', path(account.email))).problem().status).toBe(401);
    const unknownEmail = 'unknown@tests.example';
    expect((await put(unknownEmail, good)).problem()).toMatchObject({
      status: 404,
      code: 'not_found',
    });
    expect((await call('GET', path(unknownEmail), { headers: asAdmin })).problem().status).toBe(
      404,
    );
  });

  test('an account accepts all events by default, then the events of its policy', async () => {
    const read = async () =>
      (await call('GET', path(account.email), { headers: asAdmin })).json(eventPolicySchema);
    expect(await read()).toEqual({ mode: 'unsigned', sources: null, keys: [] });
    const policy = { mode: 'signed', sources: [source], keys: [jwk(ec, 'ec'), jwk(ed, 'ed')] };
    expect(await setPolicy(account.email.toUpperCase(), policy)).toEqual(policy);
    expect(await read()).toEqual(policy);
  });

  test('a kid belongs to one key for ever: the key may be revoked and return, another key is rejected', async () => {
    const { keys } = await setPolicy(account.email, { keys: [jwk(ed, 'ed')] });
    expect(keys.map(({ kid }) => kid)).toEqual(['ed']);
    const other = await put(account.email, {
      mode: 'signed',
      sources: null,
      keys: [jwk(foreign, 'ec')],
    });
    expect(other.problem()).toMatchObject({
      status: 422,
      errors: [{ field: 'keys', message: 'kid ec belongs to another key, which may be revoked' }],
    });
    const again = await setPolicy(account.email, { keys: [jwk(ec, 'ec'), jwk(ed, 'ed')] });
    expect(again.keys.map(({ kid }) => kid).toSorted()).toEqual(['ec', 'ed']);
  });

  test.each<[string, object]>([
    ['a private key', { ...ed.privateKey.export({ format: 'jwk' }), kid: 'x' }],
    ['a point that is not on the curve', { ...jwk(ec, 'x'), y: jwk(ec, 'x').x }],
    ['a key without a kid', ed.publicKey.export({ format: 'jwk' })],
    ['a symmetric key', { kty: 'oct', k: 'c2VjcmV0', kid: 'x' }],
  ])('the event policy rejects %s', async (_name, key) => {
    const answer = await put(account.email, { mode: 'signed', sources: null, keys: [key] });
    const problem = answer.problem();
    expect([problem.status, problem.errors?.[0]?.field]).toEqual([
      422,
      expect.stringMatching(/^keys/),
    ]);
  });
});

describe('an account with signed events of one source', () => {
  beforeAll(async () => {
    const keys = [jwk(ed, 'ed'), jwk(ec, 'ec')];
    await setPolicy(account.email, { keys: [...keys, jwk(former, 'former')] });
    await setPolicy(account.email, { sources: [source], keys });
  });

  test('an account accepts signed events of each of its keys, each event once', async () => {
    const [one, two] = [requestEvent(), requestEvent()];
    const signed = [await sign(one, ed, 'ed'), await sign(two, ec, 'ec')];
    // The same attributes in another order, as another client may write them.
    const reordered = Object.fromEntries(Object.entries(signed[0] ?? {}).toReversed());
    await send(...signed, ...signed, reordered);
    const last = await sign(requestEvent(), ed, 'ed');
    await send(last);
    for (const { id } of [one, two, last]) {
      const { data } = await resultOf(results, id, 'accepted');
      expect(data).toMatchObject({ owner: account.email });
    }
    for (const { id } of [one, two]) {
      expect(resultsOf(results, id, 'accepted')).toHaveLength(1);
      expect(resultsOf(results, id, 'rejected')).toHaveLength(0);
    }
  });

  test('an account rejects all other events, and the answers reveal nothing about accounts', async () => {
    const unknownEmail = 'unknown@tests.example';
    const other = await newAccount();
    await setPolicy(other.email, { mode: 'unsigned', keys: [jwk(foreign, 'foreign')] });
    const changed = {
      ...(await sign(requestEvent(), ed, 'ed')),
      data: { ...small, requestedBy: account.email, dataset: 'customers' },
    };
    const moved = { ...(await sign(requestEvent(), ed, 'ed')), id: randomUUID() };
    const wrong = [
      changed,
      moved,
      await sign(requestEvent(), foreign, 'foreign'),
      await sign(requestEvent(), foreign, 'ed'),
      await sign(requestEvent(), former, 'former'),
      { ...requestEvent(), signature: 'x' },
      { ...requestEvent(), signature: 7 },
      // One for an unknown account, one for an account that accepts unsigned events.
      await sign(requestEvent({}, unknownEmail), foreign, 'foreign'),
      await sign(requestEvent({}, other.email), ed, 'ed'),
    ];
    const unsigned = [
      requestEvent(),
      { ...requestEvent(), signature: null },
      requestEvent({}, unknownEmail),
      requestEvent({ source: '/elsewhere' }),
    ];
    const late = await sign(
      requestEvent({ time: new Date(Date.now() - 7 * 86_400_000).toISOString() }),
      ed,
      'ed',
    );
    const timeless = await sign(requestEvent({ time: undefined }), ed, 'ed');
    const elsewhere = await sign(requestEvent({ source: '/elsewhere' }), ed, 'ed');
    await send(...wrong, ...unsigned, late, timeless, elsewhere);

    const answers = async (events: { id: string }[]) =>
      Promise.all(
        events.map(async ({ id }) => {
          const { status, code, errors } = await rejection(id);
          return { status, code, errors };
        }),
      );
    const [first, ...others] = await answers(wrong);
    expect(first).toMatchObject({ status: 422, errors: [{ field: 'signature' }] });
    for (const answer of others) expect(answer).toEqual(first);
    const [unknown, ...same] = await answers(unsigned);
    expect(unknown).toMatchObject({ status: 422, errors: [{ field: 'requestedBy' }] });
    for (const answer of same) expect(answer).toEqual(unknown);
    expect(await answers([late, timeless, elsewhere])).toMatchObject([
      { errors: [{ field: 'time' }] },
      { errors: [{ field: 'time' }] },
      { errors: [{ field: 'source' }] },
    ]);
  });

  test('events without a valid signature do not use up the ids of an account', async () => {
    const event = requestEvent();
    const signed = await sign(event, ed, 'ed');
    const rejectedEvents = [
      // From an account that may send unsigned events, with an export of its own for this source and id.
      { ...event, data: { ...small, requestedBy: credentials.demo.email } },
      { ...signed, signature: `${signed.signature.slice(0, -8)}AAAAAAAA` },
      // A source that equals the key under which the ids of the account are stored.
      { ...event, source: `${account.id}:${source}` },
    ];
    await send(...rejectedEvents, signed);
    await resultOf(results, event.id, 'rejected');
    const owners = async (): Promise<string[]> => {
      const accepted = resultsOf(results, event.id, 'accepted');
      return accepted.map(({ data }) => ('owner' in data ? data.owner : ''));
    };
    const last = await sign(requestEvent(), ed, 'ed');
    await send(last);
    await resultOf(results, last.id, 'accepted');
    expect((await owners()).toSorted()).toEqual([account.email, credentials.demo.email].toSorted());
  });
});

test('a signed event in binary mode is the same event: accepted once, rejected if it was changed', async () => {
  const signer = await newAccount();
  await setPolicy(signer.email, { sources: [source], keys: [jwk(ed, 'ed')] });
  const signedAs = async (more: object = {}) =>
    sign(requestEvent({ datacontenttype: 'application/json', ...more }, signer.email), ed, 'ed');
  const [good, changed] = [await signedAs({ subject: 'March' }), await signedAs()];
  await produce(
    'exports.requested',
    [
      inBinaryMode(good),
      { value: JSON.stringify(good) },
      inBinaryMode({ ...changed, subject: 'added' }),
    ].map((message) => ({ ...message, partition: 0 })),
  );
  expect(await rejection(changed.id)).toMatchObject({ errors: [{ field: 'signature' }] });
  expect((await resultOf(results, good.id, 'accepted')).data).toMatchObject({
    owner: signer.email,
  });
  expect(resultsOf(results, good.id, 'accepted')).toHaveLength(1);
  expect(resultsOf(results, good.id, 'rejected')).toHaveLength(0);
});

test('an account that accepts unsigned events verifies signed ones', async () => {
  const other = await newAccount();
  await setPolicy(other.email, { mode: 'unsigned', sources: [source], keys: [jwk(ed, 'ed')] });
  const unsigned = requestEvent({}, other.email);
  const signed = await sign(requestEvent({}, other.email), ed, 'ed');
  const forged = await sign(requestEvent({}, other.email), foreign, 'ed');
  const elsewhere = requestEvent({ source: '/elsewhere' }, other.email);
  await send(unsigned, signed, forged, elsewhere);
  for (const { id } of [unsigned, signed])
    expect((await resultOf(results, id, 'accepted')).data).toMatchObject({ owner: other.email });
  expect(await rejection(forged.id)).toMatchObject({ errors: [{ field: 'signature' }] });
  expect(await rejection(elsewhere.id)).toMatchObject({ errors: [{ field: 'requestedBy' }] });
});

test('the example of docs/contracts.md is accepted', async () => {
  const text = await readFile('docs/contracts.md', 'utf8');
  const example = /<!-- run: signed event -->\n+```js\n([\s\S]*?)\n```/.exec(text)?.[1];
  if (example === undefined) throw new Error('docs/contracts.md has no example of a signed event');
  const directory = await mkdtemp(join(tmpdir(), 'streamsync-signed-'));
  try {
    await symlink(join(process.cwd(), 'node_modules'), join(directory, 'node_modules'));
    await writeFile(join(directory, 'sign.mjs'), example);
    const policy = await call('GET', path(credentials.demo.email), { headers: asAdmin });
    const before = policy.json(eventPolicySchema);
    const { stdout } = await promisify(execFile)(process.execPath, ['sign.mjs'], {
      cwd: directory,
      env: { ...process.env, STREAMSYNC_HOME: home() },
      timeout: 60_000,
    });
    expect((await resultOf(results, stdout.trim(), 'accepted')).data).toMatchObject({
      owner: credentials.demo.email,
    });
    await put(credentials.demo.email, before);
  } finally {
    await rm(directory, { recursive: true });
  }
});
