import { once } from 'node:events';
import { Agent, request } from 'node:http';
import { setTimeout } from 'node:timers/promises';
import { z } from 'zod';
import { sizes } from '../../lib/contracts/sizes.ts';
import { monthOfOrders } from '../support/api.ts';
import { stack } from '../support/stack.ts';

/**
 * The load of `npm run bench -- hostile`: all that one account can send at once. It runs in a process of its own, so
 * that the bench process only times the calls of the other account. The message `{ apiKey, seconds }` starts the load;
 * the message `stop`, or the end of the parent process, stops it. It then sends the number of each answer.
 */
export const startSchema = z.object({ apiKey: z.string(), seconds: z.number() });
export const answersSchema = z.record(z.string(), z.number());

/** The number of requests of each kind that are in flight at any time. */
const requestsInFlight = 6;
/**
 * The pause between two requests. A rejected request costs its client more than the server. With this pause each
 * rejected kind is 60 requests/s, which exceeds NGINX's limit (50 requests/s per caller), and the load does not mostly
 * measure its own client.
 */
const pauseMs = { answered: 20, rejected: 100 };

const largest = JSON.stringify({
  ...monthOfOrders,
  where: Array.from({ length: 31 }, () => ({
    column: 'status',
    op: 'in',
    value: ['x'.repeat(sizes.stringBytes - 200)],
  })),
});

/** The requests of the load, by name: path and body of a POST, or the path of a GET. */
const kinds = {
  exports: { path: '/exports', body: JSON.stringify({ ...monthOfOrders, format: 'parquet' }) },
  largest: { path: '/exports', body: largest },
  'too large': { path: '/exports', body: largest.padEnd(sizes.requestBytes + 1) },
  brackets: { path: '/exports/estimate', body: `{"data":${'['.repeat(100_000)}` },
  digits: {
    path: '/exports/estimate',
    body: JSON.stringify({
      ...monthOfOrders,
      where: [{ column: 'id', op: 'eq', value: `${'1'.repeat(8_000)}x` }],
    }),
  },
  estimates: { path: '/exports/estimate', body: JSON.stringify(monthOfOrders) },
  previews: { path: '/exports/preview', body: JSON.stringify(monthOfOrders) },
  lists: { path: '/exports?limit=200', body: undefined },
  sources: { path: '/sources', body: undefined },
  'sign-ins': {
    path: '/sessions',
    body: JSON.stringify({ email: 'unknown@streamsync.example', password: 'wrong' }),
  },
} as const;

/** The load comes from another address, because the limits per address are not measured here. */
const agent = new Agent({ localAddress: '127.0.0.9', keepAlive: true });

const statusOf = (
  path: string,
  headers: Record<string, string>,
  body: Buffer | undefined,
): Promise<string> =>
  new Promise((resolve, reject) => {
    const method = body === undefined ? 'GET' : 'POST';
    const url = new URL(stack.api + path);
    url.hostname = '127.0.0.1';
    const sent = request(url, { agent, method, headers, timeout: 30_000 }, (answer) => {
      answer.on('error', reject);
      answer.on('end', () => resolve(String(answer.statusCode)));
      answer.resume();
    });
    sent.on('timeout', () => sent.destroy(new Error('no answer within 30 s')));
    sent.on('error', reject);
    sent.end(body);
  });

async function sendAll({ apiKey, seconds }: z.output<typeof startSchema>): Promise<void> {
  const answers = new Map<string, number>();
  const headers = { 'x-api-key': apiKey, 'content-type': 'application/json' };
  const end = performance.now() + seconds * 1_000;
  const stopping = new AbortController();
  const stopped = once(stopping.signal, 'abort');
  for (const event of ['disconnect', 'message']) process.once(event, () => stopping.abort());
  const send = async (kind: string, path: string, body: Buffer | undefined): Promise<void> => {
    while (!stopping.signal.aborted && performance.now() < end) {
      const status = await statusOf(path, headers, body).catch(() => 'none');
      const name = `${kind} ${status}`;
      answers.set(name, (answers.get(name) ?? 0) + 1);
      await setTimeout(pauseMs[status.startsWith('2') ? 'answered' : 'rejected']);
    }
  };
  for (const [kind, { path, body }] of Object.entries(kinds)) {
    const bytes = body === undefined ? undefined : Buffer.from(body);
    for (let n = 0; n < requestsInFlight; n++) void send(kind, path, bytes);
  }
  await stopped;
  process.send?.(Object.fromEntries(answers), () => process.exit());
}

if (import.meta.main)
  process.once('message', (message) => {
    void sendAll(startSchema.parse(message));
  });
