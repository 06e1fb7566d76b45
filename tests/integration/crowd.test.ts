import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { Agent, request as httpRequest, type IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { setTimeout } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { readLimits } from '../../infra/nginx/limits.ts';
import { hashOf, newApiKey, prefixOf } from '../../lib/access/secrets.ts';
import { asDemo, createExport, ended, monthOfOrders, ticketFor } from '../support/api.ts';
import { dial } from '../support/raw-http.ts';
import { sql, stack } from '../support/stack.ts';
import { waitFor } from '../support/wait-for.ts';

/** The crowd: one caller with many requests at once, at an address of its own. The others have another address. */
const crowdAt = '127.0.0.2';
const idleAt = '127.0.0.3';
const othersAt = '127.0.0.4';

const crowd = { id: randomUUID(), key: newApiKey() };
const idle: Socket[] = [];
/** The lifetimes of the idle connections in seconds, measured from before they were opened. */
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
    `insert into api_keys (id, account_id, secret_hash, name, prefix, scopes)
     values (gen_random_uuid(), $1, $2, 'crowd', $3, '{exports:read,files:read}')`,
    [crowd.id, hashOf(crowd.key), prefixOf(crowd.key)],
  );
  id = (await createExport(monthOfOrders)).id;
  await ended(id);
});
afterAll(async () => {
  for (const socket of idle) socket.destroy();
  await sql(stack.postgres.catalogue, 'delete from accounts where id = $1', [crowd.id]);
});

interface TimedAnswer {
  status: number;
  retryAfter: string | undefined;
  durationMs: number;
}

/** Sends a request on a new connection. Throws if NGINX closes it without an answer. */
async function ask(
  path: string,
  headers: Record<string, string>,
  from: string,
): Promise<TimedAnswer> {
  const startedAt = performance.now();
  const response = await open(path, headers, from);
  response.resume();
  await once(response, 'end');
  return {
    status: response.statusCode ?? 0,
    retryAfter: response.headers['retry-after'],
    durationMs: performance.now() - startedAt,
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

const poll = (headers: Record<string, string>, from: string): Promise<TimedAnswer> =>
  ask(`/api/v1/exports/${id}`, headers, from);

/** Polls `times` times in sequence. Returns the durations in ascending order. */
async function pollAsOther(times: number): Promise<number[]> {
  const durations: number[] = [];
  for (let n = 0; n < times; n++) {
    const { status, durationMs } = await poll(asDemo, othersAt);
    expect(status).toBe(200);
    durations.push(durationMs);
  }
  return durations.toSorted((a, b) => a - b);
}

test('3,000 idle connections of one address, each with half a request, do not block other callers', async () => {
  for (let n = 0; n < 3_000; n += 100) {
    const startedAt = performance.now();
    const opened = await Promise.all(Array.from({ length: 100 }, () => dial(idleAt)));
    for (const socket of opened) {
      socket.on('error', () => undefined);
      socket.once('close', () => lifetimes.push((performance.now() - startedAt) / 1_000));
      socket.resume();
      socket.write('GET /api/v1/health HTTP/1.1\r\nHost: loc');
    }
    idle.push(...opened);
    if (n % 1_000 === 0) await pollAsOther(1);
  }
  await pollAsOther(10);
  expect(idle.length).toBe(3_000);
});

test('2,000 polls at once of one caller are all answered, and other callers are served meanwhile', async () => {
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
  const rejected = answers.filter(({ status }) => status === 429);
  console.log(
    `of 2,000: ${answers.length - rejected.length} accepted, ${rejected.length} rejected; a poll of another caller took ` +
      `${(median(busy) / median(quiet)).toFixed(1)} times as long as before (median), ` +
      `${((busy.at(-1) ?? 0) / (quiet.at(-1) ?? 1)).toFixed(1)} times (slowest); ${leftThen} of the crowd's were in flight after the last`,
  );
  // 404: the export does not belong to the crowd.
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([404, 429]));
  expect(rejected.length).toBeGreaterThan(1_000);
  expect(new Set(rejected.map(({ retryAfter }) => retryAfter))).toEqual(new Set(['5']));
});

test('one address can have no more than downloadsPerAddress downloads at once; another address is unaffected', async () => {
  const { pathname } = new URL(await ticketFor(id));
  // The file is larger than all buffers between, so a download lasts as long as the client does not read it.
  const large = await createExport({ sources: ['sales'], dataset: 'order_items', format: 'csv' });
  await ended(large.id);
  const slow = new URL(await ticketFor(large.id)).pathname;
  await ask(slow, asDemo, othersAt);
  const downloads: IncomingMessage[] = [];
  try {
    const maxDownloads = readLimits({})['downloadsPerAddress'] ?? 0;
    while (downloads.length < maxDownloads) downloads.push(await open(slow, asDemo, crowdAt));
    expect(new Set(downloads.map(({ statusCode }) => statusCode))).toEqual(new Set([200]));
    const rejected = await ask(pathname, asDemo, crowdAt);
    expect([rejected.status, rejected.retryAfter]).toEqual([429, '5']);
    expect((await ask(pathname, asDemo, othersAt)).status).toBe(200);
    // API calls have a limit of their own.
    expect((await poll(asDemo, crowdAt)).status).toBe(200);
  } finally {
    for (const response of downloads) response.destroy();
  }
  await waitFor('the address may download again', async () =>
    (await ask(pathname, asDemo, crowdAt)).status === 200 ? true : undefined,
  );
});

test('NGINX closes a connection that sends nothing for ten seconds, and not earlier', async () => {
  await waitFor('NGINX has closed the idle connections', async () =>
    lifetimes.length === idle.length ? true : undefined,
  );
  // A connection that NGINX closes at once had no room, nor had other callers.
  expect(Math.min(...lifetimes)).toBeGreaterThan(9);
});
