import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type DeadLetter, type DeadLetters, deadLettersSchema } from '../../lib/contracts/admin.ts';
import { asAdmin, call } from '../support/api.ts';
import { auditEntries } from '../support/audit.ts';
import { consume, produce, type Topic } from '../support/events.ts';
import { credentials } from '../support/stack.ts';
import { waitFor } from '../support/wait-for.ts';

const deadLetterTopic = 'exports.requested.dlq';
let requests: Topic;
beforeAll(async () => {
  requests = await consume('exports.requested');
});
afterAll(() => requests.close());

async function page(query: string): Promise<DeadLetters> {
  const answer = await call('GET', `/admin/dead-letters?${query}`, { headers: asAdmin });
  if (answer.status !== 200) throw new Error(`${answer.status} ${answer.bytes.toString()}`);
  return answer.json(deadLettersSchema);
}

/** Sends records that cannot be read; returns their values. */
async function sendWrong(count: number): Promise<string[]> {
  const values = Array.from({ length: count }, (_, n) => `no event ${n} ${randomUUID()}`);
  await produce(
    'exports.requested',
    values.map((value) => ({
      value,
      key: 'key \u00e9',
      partition: 1,
      headers: { trace: Buffer.from([0, 255, 1]), topic: 'of the sender' },
    })),
  );
  return values;
}

const textOf = (letter: DeadLetter): string => Buffer.from(letter.value ?? '', 'base64').toString();

/** Returns the dead letters of these values, newest first. */
const lettersOf = (values: readonly string[], query = `topic=${deadLetterTopic}&limit=200`) =>
  waitFor('the dead letters are there', async () => {
    const { items } = await page(query);
    const found = items.filter((letter) => values.includes(textOf(letter)));
    return found.length >= values.length ? found : undefined;
  });

const pathOf = ({ topic, partition, offset }: DeadLetter) =>
  `/admin/dead-letters/${topic}/${partition}/${offset}`;
const replay = (letter: DeadLetter) =>
  call('POST', `${pathOf(letter)}/replay`, { headers: asAdmin });
const discard = (letter: DeadLetter) => call('DELETE', pathOf(letter), { headers: asAdmin });

test('a dead letter is listed with its reason, origin and bytes, and replayed once as it was', async () => {
  const [value = ''] = await sendWrong(1);
  const [letter] = await lettersOf([value]);
  if (!letter) throw new Error('there is no letter');
  expect(letter).toMatchObject({
    topic: deadLetterTopic,
    partition: 0,
    at: expect.any(String),
    reason: expect.stringMatching(/\S/),
    origin: { topic: 'exports.requested', partition: 1, offset: expect.any(Number) },
    key: Buffer.from('key \u00e9').toString('base64'),
    cut: false,
    replayedAt: null,
  });
  expect(letter.headers).toEqual([
    { name: 'trace', value: Buffer.from([0, 255, 1]).toString('base64') },
    { name: 'topic', value: Buffer.from('of the sender').toString('base64') },
  ]);

  expect((await replay(letter)).status).toBe(202);
  const sent = await waitFor('the record arrives again', async () => {
    const all = requests.messages.filter((message) => String(message.value) === value);
    return all.length === 2 ? all : undefined;
  });
  const [first, second] = sent;
  expect(second).toEqual({ ...first, partition: expect.any(Number), offset: second?.offset });
  // It is as wrong as before.
  const both = await waitFor('the replayed record is a dead letter, too', async () => {
    const letters = await lettersOf([value]);
    return letters.length === 2 ? letters : undefined;
  });
  expect(both.map(({ replayedAt }) => replayedAt === null)).toEqual([true, false]);

  expect((await replay(letter)).problem()).toMatchObject({ status: 409, code: 'conflict' });
  expect(requests.messages.filter((message) => String(message.value) === value)).toHaveLength(2);
  const target = `${deadLetterTopic}/0/${letter.offset}`;
  expect(await auditEntries({ actor: credentials.admin.email, limit: 2 })).toMatchObject([
    { action: 'dead-letter.replay', target, outcome: 'refused', details: { code: 'conflict' } },
    {
      action: 'dead-letter.replay',
      target,
      outcome: 'done',
      details: { replayedTo: 'exports.requested' },
    },
  ]);
});

test('of concurrent replays one is done', async () => {
  const [value = ''] = await sendWrong(1);
  const [letter] = await lettersOf([value]);
  if (!letter) throw new Error('there is no letter');
  const answers = await Promise.all(Array.from({ length: 4 }, () => replay(letter)));
  const statuses = answers.map(({ status }) => status);
  expect(statuses.toSorted((a, b) => a - b)).toEqual([202, 409, 409, 409]);
});

test('a discarded letter is no longer listed, and cannot be replayed', async () => {
  const values = await sendWrong(2);
  const [newest, oldest] = await lettersOf(values);
  if (!newest || !oldest) throw new Error('there are no letters');
  expect((await discard(newest)).status).toBe(204);
  expect((await lettersOf([textOf(oldest)])).map(({ offset }) => offset)).toEqual([oldest.offset]);
  const { items } = await page(`topic=${deadLetterTopic}&limit=200`);
  expect(items.map(({ offset }) => offset)).not.toContain(newest.offset);
  expect((await replay(newest)).status).toBe(409);
  expect((await discard(newest)).status).toBe(409);
  const [entry] = await auditEntries({ action: 'dead-letter.discard', limit: 2 }).then((all) =>
    all.filter(({ outcome }) => outcome === 'done'),
  );
  expect(entry).toMatchObject({ target: `${deadLetterTopic}/0/${newest.offset}` });
});

test('pages have every letter of all topics once, newest first, also beyond one read of Kafka', async () => {
  const values = await sendWrong(45);
  await lettersOf(values);
  const seen: DeadLetter[] = [];
  let cursor: string | null = '';
  while (cursor !== null && seen.length < 60) {
    const next: DeadLetters = await page(`limit=7${cursor === '' ? '' : `&cursor=${cursor}`}`);
    seen.push(...next.items);
    cursor = next.nextCursor;
  }
  const keys = seen.map(({ topic, partition, offset }) => `${topic}/${partition}/${offset}`);
  expect(new Set(keys).size).toBe(keys.length);
  const times = seen.map(({ at }) => at);
  expect(times).toEqual(times.toSorted().toReversed());
  const found = new Set(seen.map(textOf));
  expect(values.filter((value) => !found.has(value))).toEqual([]);
});

test.each([
  ['GET', '?topic=readings', 404],
  ['GET', '?topic=no.dlq', 404],
  ['GET', '?cursor=x', 422],
  ['POST', `/${deadLetterTopic}/0/999999999/replay`, 404],
  ['POST', `/${deadLetterTopic}/7/0/replay`, 404],
  ['POST', `/${deadLetterTopic}/0/-1/replay`, 404],
  ['POST', '/exports.requested/0/0/replay', 404],
  ['DELETE', `/${deadLetterTopic}/0/x`, 404],
])('%s /admin/dead-letters%s answers %i', async (method, path, status) => {
  const answer = await call(method, `/admin/dead-letters${path}`, { headers: asAdmin });
  expect(answer.status).toBe(status);
});
