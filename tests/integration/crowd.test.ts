import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { Agent, request as httpRequest, type IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { setTimeout } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { readLimits } from '../../infra/nginx/limits.ts';
import { hashOf, newApiKey } from '../../lib/access/secrets.ts';
import { asDemo, createExport, ended, monthOfOrders, ticketFor } from '../stack/api.ts';
import { dial } from '../stack/raw.ts';
import { sql, stack } from '../stack/stack.ts';
import { until } from '../stack/until.ts';

/** One caller that asks for everything at once, at an address of its own; the others are at another. */
const crowdAt = '127.0.0.2';
const idleAt = '127.0.0.3';
const othersAt = '127.0.0.4';

const crowd = { id: randomUUID(), key: newApiKey() };
const idle: Socket[] = [];
/** Seconds from before each of them was opened until it was closed. */
const lifetimes: number[] = [];
let id = '';

beforeAll(async () => {
  await sql(
    stack.postgres.catalogue,
    `insert into accounts (id, email, password_hash, role) values ($1, $2, '', 'analyst')`,
    [crowd.id, `${crowd.id}@streamsync.example`],
  );
  await sql(
    stack.postgres.catalogue,
    'insert into api_keys (id, account_id, secret_hash) values (gen_random_uuid(), $1, $2)',
    [crowd.id, hashOf(crowd.key)],
  );
  id = (await createExport(monthOfOrders)).id;
  await ended(id);
});
afterAll(async () => {
  for (const socket of idle) socket.destroy();
  await sql(stack.postgres.catalogue, 'delete from accounts where id = $1', [crowd.id]);
});

interface Asked {
  status: number;
  retryAfter: string | undefined;
  milliseconds: number;
}

/** One request on a connection of its own. Fails if NGINX closes it without an answer. */
async function ask(path: string, headers: Record<string, string>, from: string): Promise<Asked> {
  const begun = performance.now();
  const response = await open(path, headers, from);
  response.resume();
  await once(response, 'end');
  return {
    status: response.statusCode ?? 0,
    retryAfter: response.headers['retry-after'],
    milliseconds: performance.now() - begun,
  };
}

function open(path: string, headers: Record<string, string>, from: string) {
  return new Promise<IncomingMessage>((resolve, reject) => {
    const { port } = new URL(stack.url);
    const to = { host: '127.0.0.1', port, localAddress: from, agent: new Agent() };
    const request = httpRequest({ ...to, path, headers, timeout: 60_000 }, resolve);
    request.once('timeout', () => request.destroy(new Error('no answer within 60 s')));
    request.once('error', reject).end();
  });
}

const poll = (headers: Record<string, string>, from: string): Promise<Asked> =>
  ask(`/api/v1/exports/${id}`, headers, from);

/** So many polls, one after the other; the slowest of them. */
async function pollAsOther(times: number): Promise<number[]> {
  const taken: number[] = [];
  for (let n = 0; n < times; n++) {
    const { status, milliseconds } = await poll(asDemo, othersAt);
    expect(status).toBe(200);
    taken.push(milliseconds);
  }
  return taken.toSorted((a, b) => a - b);
}

test('3,000 idle connections of one address, with half a request each, keep nobody out', async () => {
  for (let n = 0; n < 3_000; n += 100) {
    const begun = performance.now();
    const opened = await Promise.all(Array.from({ length: 100 }, () => dial(idleAt)));
    for (const socket of opened) {
      socket.on('error', () => undefined);
      socket.once('close', () => lifetimes.push((performance.now() - begun) / 1_000));
      socket.resume();
      socket.write('GET /api/v1/health HTTP/1.1\r\nHost: loc');
    }
    idle.push(...opened);
    if (n % 1_000 === 0) await pollAsOther(1);
  }
  await pollAsOther(10);
  expect(idle.length).toBe(3_000);
});

test('2,000 polls at once of one caller: each has an answer, and others are served meanwhile', async () => {
  const quiet = await pollAsOther(10);
  let left = 2_000;
  const flood = Array.from({ length: left }, async () => {
    try {
      return await poll({ 'x-api-key': crowd.key }, crowdAt);
    } finally {
      left--;
    }
  });
  await setTimeout(100);
  const busy = await pollAsOther(10);
  const leftThen = left;
  const answers = await Promise.all(flood);
  const median = (sorted: number[]): number => sorted[Math.floor(sorted.length / 2)] ?? 0;
  const refused = answers.filter(({ status }) => status === 429);
  console.log(
    `of 2,000: ${answers.length - refused.length} let in, ${refused.length} refused; a poll of another took ` +
      `${(median(busy) / median(quiet)).toFixed(1)} times as long as before (median), ` +
      `${((busy.at(-1) ?? 0) / (quiet.at(-1) ?? 1)).toFixed(1)} times (slowest); ${leftThen} were under way behind the last`,
  );
  // It is not the crowd's export.
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([404, 429]));
  expect(refused.length).toBeGreaterThan(1_000);
  expect(new Set(refused.map(({ retryAfter }) => retryAfter))).toEqual(new Set(['5']));
});

test('one address has no more than its downloads; others have theirs', async () => {
  const { pathname } = new URL(await ticketFor(id));
  // Held by what the client does not take: the file is larger than what fits on the way.
  const large = await createExport({ sources: ['sales'], dataset: 'order_items', format: 'csv' });
  await ended(large.id);
  const slow = new URL(await ticketFor(large.id)).pathname;
  await ask(slow, asDemo, othersAt);
  const under: IncomingMessage[] = [];
  try {
    const most = readLimits({})['downloadsPerAddress'] ?? 0;
    while (under.length < most) under.push(await open(slow, asDemo, crowdAt));
    expect(new Set(under.map(({ statusCode }) => statusCode))).toEqual(new Set([200]));
    const refused = await ask(pathname, asDemo, crowdAt);
    expect([refused.status, refused.retryAfter]).toEqual([429, '5']);
    expect((await ask(pathname, asDemo, othersAt)).status).toBe(200);
    // Calls count for themselves.
    expect((await poll(asDemo, crowdAt)).status).toBe(200);
  } finally {
    for (const response of under) response.destroy();
  }
  await until('the address may download again', async () =>
    (await ask(pathname, asDemo, crowdAt)).status === 200 ? true : undefined,
  );
});

test('whoever says nothing has lost his place after ten seconds, and not before', async () => {
  await until('NGINX has closed the idle connections', async () =>
    lifetimes.length === idle.length ? true : undefined,
  );
  // Closed at once: there was no room for it, nor for others.
  expect(Math.min(...lifetimes)).toBeGreaterThan(9);
});
