import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { z } from 'zod';
import { sizes } from '../../lib/contracts/sizes.ts';
import { asDemo, call, createExport, ended, monthOfOrders, ticketFor } from '../support/api.ts';
import { upstreamAddress } from '../support/door.ts';
import { isLoopback, listenersOf } from '../support/processes.ts';
import { sendRaw } from '../support/raw-http.ts';
import { home, readStack, stack } from '../support/stack.ts';
import { waitFor } from '../support/wait-for.ts';

/** An export whose file has several slices of the cache. */
const manySlices = { sources: ['sales'], dataset: 'order_items', format: 'csv' };
const ready = async (request: object): Promise<string> => {
  const { id } = await createExport(request);
  expect((await ended(id)).status).toBe('ready');
  return id;
};
const ticketOf = (url: string): string => new URL(url).pathname.split('/')[2] ?? '';

let large = '';
let small = '';
beforeAll(async () => {
  [large, small] = await Promise.all([ready(manySlices), ready(monthOfOrders)]);
});

describe('the authorizer that NGINX asks', () => {
  let authorizer = '';
  let functions = '';
  let secret = '';
  beforeAll(async () => {
    authorizer = `http://${await upstreamAddress('authorizer')}`;
    functions = `http://${await upstreamAddress('functions')}`;
    const secrets = JSON.parse(await readFile(join(home(), 'secrets.json'), 'utf8'));
    secret = z.object({ doorSecret: z.string() }).parse(secrets).doorSecret;
  });
  const ask = async (path: string, headers: Record<string, string>, at = authorizer) => {
    const answer = await fetch(at + path, { headers, signal: AbortSignal.timeout(20_000) });
    return { status: answer.status, names: [...answer.headers.keys()], headers: answer.headers };
  };
  const internalHeader = /^x-(origin|object|export|file|download)/;

  test.each(['/internal/authorize-download', '/internal/sign-slice'])(
    '%s answers only calls with the door secret',
    async (path) => {
      const ticket = { 'x-ticket': ticketOf(await ticketFor(small)), 'x-original-method': 'HEAD' };
      const door = await ask(path, { ...ticket, 'x-door-secret': secret });
      expect(door.status).toBe(204);
      expect(door.names.filter((name) => internalHeader.test(name)).length).toBeGreaterThan(4);
      for (const sent of [{}, { 'x-door-secret': '' }, { 'x-door-secret': `${secret}x` }]) {
        const answer = await ask(path, { ...ticket, ...sent });
        expect(answer.status).toBeGreaterThanOrEqual(400);
        expect(answer.names.filter((name) => internalHeader.test(name))).toEqual([]);
      }
    },
  );

  test('it is a process of its own, which listens on loopback, and answers nothing else', async () => {
    const { processes } = await readStack();
    const pid = processes.find(({ name }) => name === 'download-authorizer')?.pid ?? 0;
    const listeners = await listenersOf([pid]);
    expect(listeners.map(({ address }) => isLoopback(address))).toEqual([true]);
    for (const path of ['/', '/api/v1/health', '/internal/sign-slice?x', '//internal/sign-slice'])
      expect((await ask(path, { 'x-door-secret': secret })).status).toBe(404);
    // Nor have the functions these routes, with the secret either.
    for (const path of ['/internal/authorize-download', '/internal/sign-slice'])
      expect((await ask(path, { 'x-door-secret': secret }, functions)).status).toBe(404);
  });

  test('authorize-download accepts only GET and HEAD', async () => {
    for (const method of ['POST', 'OPTIONS', 'get', '']) {
      const ticket = ticketOf(await ticketFor(small));
      const answer = await ask('/internal/authorize-download', {
        'x-door-secret': secret,
        'x-ticket': ticket,
        'x-original-method': method,
      });
      expect(answer.status).toBe(403);
      expect(answer.headers.get('x-refused-code')).toBe('method_not_allowed');
      expect(answer.names).not.toContain('x-object-key');
    }
  });

  test.each([
    'a%2fb%2fc/../../../internal/authorize-download',
    'a%2fb%2fc/%2e%2e/%2E./.%2e/internal/authorize-download',
    'a%5cb/..%5c../internal/authorize-download',
    'a%2Fb/..%2f../internal/sign-slice',
    'exports/./x',
    'exports/..',
    'exports/%2e%2e?a',
  ])('the path /api/v1/%s does not reach an internal function', async (path) => {
    const ticket = ticketOf(await ticketFor(small));
    const answer = await sendRaw({ head: [`GET /api/v1/${path} HTTP/1.1`, `X-Ticket: ${ticket}`] });
    expect(answer.status).toBe(400);
    expect(JSON.parse(answer.body)).toMatchObject({ code: 'malformed_request', status: 400 });
    expect([...answer.headers.keys()].filter((name) => internalHeader.test(name))).toEqual([]);
  });

  test('names with dots and encoded slashes reach the API unchanged', async () => {
    for (const path of [
      '/sources/a/datasets/crm.contacts/histogram',
      '/exports/a%2fb',
      '/exports/..a',
    ])
      expect((await call('GET', path, { headers: asDemo })).status).toBe(404);
    expect((await call('GET', '/.well-known/jwks.json')).status).toBe(200);
  });
});

describe('without an authorizer', () => {
  /** Stops the authorizer, or kills it as often as it is started again, while `work` runs. */
  async function without(signal: 'SIGSTOP' | 'SIGKILL', work: () => Promise<void>) {
    const pidNow = async () =>
      (await readStack()).processes.find(({ name }) => name === 'download-authorizer')?.pid;
    const first = await pidNow();
    if (first === undefined) throw new Error('the stack has no authorizer');
    process.kill(first, signal);
    try {
      await work();
    } finally {
      if (signal === 'SIGSTOP') process.kill(first, 'SIGCONT');
    }
    await waitFor('the authorizer answers', async () =>
      (await call('HEAD', await ticketFor(small))).status === 200 ? true : undefined,
    );
    if (signal === 'SIGKILL') expect(await pidNow()).not.toBe(first);
  }

  test.each(['SIGKILL', 'SIGSTOP'] as const)(
    'every download is refused, from the cache as well, after %s',
    async (signal) => {
      const warm = await ticketFor(small);
      const first = await call('GET', warm);
      const cookie = first.headers.get('set-cookie')?.split(';')[0] ?? '';
      const cold = await ticketFor(await ready(monthOfOrders));
      await without(signal, async () => {
        const asked = [
          call('GET', warm, { headers: { cookie } }),
          call('GET', warm, { headers: { cookie, range: 'bytes=0-9' } }),
          call('GET', cold, { headers: asDemo }),
        ];
        for (const answer of await Promise.all(asked)) {
          expect(answer.problem()).toMatchObject({ status: 503, code: 'unavailable' });
          expect(answer.headers.get('retry-after')).toBe('5');
        }
      });
      expect((await call('GET', warm, { headers: { cookie } })).status).toBe(200);
    },
  );
});

test('a client can neither empty the cache nor put something into it', async () => {
  const url = await ticketFor(small);
  const first = await call('GET', url);
  const cookie = first.headers.get('set-cookie')?.split(';')[0] ?? '';
  const etag = first.headers.get('etag');
  const cacheStatus = async () => {
    const lines = (await readFile(join(home(), 'nginx', 'requests.log'), 'utf8'))
      .trim()
      .split('\n');
    return z.looseObject({ cache: z.string() }).parse(JSON.parse(lines.at(-1) ?? '')).cache;
  };
  const hostile: Record<string, string>[] = [
    { 'cache-control': 'no-cache' },
    { pragma: 'no-cache', 'cache-control': 'max-age=0' },
    { 'x-accel-redirect': '/problem', 'x-accel-expires': '0', 'x-accel-buffering': 'no' },
    { 'x-object-key': 'exports/other', 'x-origin-path': '/streamsync/other' },
    { 'x-ticket': 'A'.repeat(43), 'x-original-method': 'HEAD' },
    { 'x-http-method-override': 'PURGE', 'x-forwarded-host': 'evil.example', host: 'evil.example' },
  ];
  for (const headers of hostile) {
    const answer = await call('GET', `${url}?a=${Math.random()}`, {
      headers: { cookie, ...headers },
    });
    expect([answer.status, answer.headers.get('etag')]).toEqual([200, etag]);
    expect(answer.bytes.equals(first.bytes)).toBe(true);
    expect(await waitFor('it is logged', cacheStatus)).toBe('HIT');
  }
  const path = new URL(url).pathname;
  for (const method of ['PURGE', 'BAN', 'DELETE', 'PUT']) {
    const answer = await sendRaw({ head: [`${method} ${path} HTTP/1.1`, `Cookie: ${cookie}`] });
    expect(answer.status).toBe(405);
  }
  expect((await call('GET', url, { headers: { cookie } })).status).toBe(200);
  expect(await cacheStatus()).toBe('HIT');
});

describe('headers and cookies of a browser', () => {
  test('the cookie of another application has no effect', async () => {
    const cookie = 'theme={"a":1}; x="unbalanced; ss_dl=short; y';
    expect((await call('GET', '/health', { headers: { cookie } })).status).toBe(200);
    const url = await ticketFor(small);
    const first = await call('GET', url, { headers: { cookie } });
    expect(first.status).toBe(200);
    const ours = first.headers.get('set-cookie')?.split(';')[0] ?? '';
    const again = { headers: { cookie: `${cookie}; ${ours}; z={}` } };
    expect((await call('GET', url, again)).status).toBe(200);
  });

  test('a download cookie that the browser had before is not adopted', async () => {
    const planted = `ss_dl=${'P'.repeat(43)}`;
    const url = await ticketFor(small);
    const first = await call('GET', url, { headers: { cookie: planted } });
    expect(first.status).toBe(200);
    const ours = first.headers.get('set-cookie')?.split(';')[0] ?? '';
    expect(ours).toMatch(/^ss_dl=[\w-]{43}$/);
    expect(ours).not.toBe(planted);
    const thief = await call('GET', url, { headers: { cookie: planted } });
    expect(thief.problem()).toMatchObject({ status: 403, code: 'ticket_used' });
    // The planted cookie does not lock out the browser that has the right one, in either order.
    for (const cookie of [
      `${planted}; ${ours}`,
      `${ours}; ${planted}`,
      `a=b; ${planted};  ${ours}`,
    ])
      expect((await call('GET', url, { headers: { cookie } })).status).toBe(200);
  });

  test('a browser has one cookie for several downloads', async () => {
    const [one, two] = [await ticketFor(small), await ticketFor(large)];
    const first = await call('GET', one);
    const cookie = first.headers.get('set-cookie')?.split(';')[0] ?? '';
    const second = await call('GET', two, { headers: { cookie } });
    expect([second.status, second.headers.has('set-cookie')]).toEqual([200, false]);
    for (const url of [one, two])
      expect((await call('GET', url, { headers: { cookie, range: 'bytes=0-9' } })).status).toBe(
        206,
      );
  });

  test('a page of another origin cannot read an answer', async () => {
    const headers = { origin: 'http://evil.example', ...asDemo };
    const preflight = {
      origin: 'http://evil.example',
      'access-control-request-method': 'GET',
      'access-control-request-headers': 'x-api-key',
    };
    const answers = [
      await call('GET', '/health', { headers }),
      await call('GET', '/exports', { headers }),
      await call('OPTIONS', '/exports', { headers: preflight }),
      await call('GET', await ticketFor(small), { headers }),
      // LocalStack allows this origin.
      await call('GET', await ticketFor(small), {
        headers: { origin: 'https://app.localstack.cloud' },
      }),
    ];
    for (const { headers: sent } of answers)
      expect([...sent.keys()].filter((name) => /^(access-control-|vary$)/.test(name))).toEqual([]);
  });

  test('request headers of a browser do not reach the storage', async () => {
    const url = await ticketFor(small);
    const key = { 'x-amz-server-side-encryption-customer-algorithm': 'AES256' };
    const first = await call('GET', url, { headers: key });
    expect(first.status).toBe(200);
    // NGINX evaluates conditional requests itself, with the ETag of the storage.
    const headers = { cookie: first.headers.get('set-cookie')?.split(';')[0] ?? '', ...key };
    const etag = first.headers.get('etag') ?? '';
    const answers = [
      await call('GET', url, { headers: { ...headers, 'if-match': etag } }),
      await call('GET', url, { headers: { ...headers, 'if-none-match': etag } }),
      await call('GET', url, { headers: { ...headers, 'if-match': '"x"' } }),
    ];
    expect(answers.map(({ status }) => status)).toEqual([200, 304, 412]);
    expect(answers[2]?.problem().code).toBe('precondition_failed');
  });
});

describe('requests that NGINX rejects itself', () => {
  const long = (characters: number): string => 'a'.repeat(characters);
  test.each([
    ['an unsupported method', ['TRACE /api/v1/health HTTP/1.1'], 405, 'method_not_allowed'],
    [
      'an unsupported method of a file',
      [`POST /files/${long(43)}/x HTTP/1.1`],
      405,
      'method_not_allowed',
    ],
    ['a path that cannot be decoded', ['GET /api/v1/%zz HTTP/1.1'], 400, 'malformed_request'],
    ['a path that is no text', ['GET /api/v1/%ff HTTP/1.1'], 400, 'malformed_request'],
    ['an incomplete character', ['GET /files/x/%c3%28 HTTP/1.1'], 400, 'malformed_request'],
    [
      'two content lengths',
      ['POST /api/v1/exports HTTP/1.1', 'Content-Length: 1', 'Content-Length: 2'],
      400,
      'malformed_request',
    ],
    ['a long address', [`GET /api/v1/${long(9_000)} HTTP/1.1`], 414, 'too_large'],
    ['a very long address', [`GET /files/${long(40_000)} HTTP/1.1`], 414, 'too_large'],
    ['a long header', ['GET /api/v1/health HTTP/1.1', `X-A: ${long(17_000)}`], 431, 'too_large'],
    [
      'an unsupported transfer coding',
      ['POST /api/v1/exports HTTP/1.1', 'Transfer-Encoding: gzip'],
      501,
      'malformed_request',
    ],
    [
      'a body that is too large',
      ['POST /api/v1/exports HTTP/1.1', `Content-Length: ${sizes.requestBytes + 1}`],
      413,
      'too_large',
    ],
    [
      'a body of a sign-in that is too large',
      ['POST /api/v1/sessions HTTP/1.1', `Content-Length: ${sizes.signInBytes + 1}`],
      413,
      'too_large',
    ],
    ['an unknown file', ['GET /files/x HTTP/1.1'], 404, 'not_found'],
  ])('NGINX answers %s with a problem', async (_what, head, status, code) => {
    const { headers, body, ...answer } = await sendRaw({ head });
    expect([answer.status, headers.get('content-type')]).toEqual([
      status,
      'application/problem+json',
    ]);
    expect(JSON.parse(body)).toMatchObject({
      status,
      code,
      type: `urn:streamsync:problem:${code}`,
    });
    expect(Object.fromEntries(headers)).toMatchObject({
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
      'x-frame-options': 'DENY',
      'content-security-policy': expect.stringContaining("default-src 'none'"),
      'cache-control': 'no-store',
    });
    if (status === 405) expect(headers.get('allow')).toMatch(/\bGET\b/);
  });

  test('NGINX ignores a range header for the API and sends the whole answer', async () => {
    const answer = await call('GET', '/openapi.json', { headers: { range: 'bytes=0-3' } });
    expect(answer.status).toBe(200);
    expect(answer.bytes.length).toBeGreaterThan(4);
  });
});

test('no log has a ticket or a signature, whatever fails', async () => {
  const tickets: string[] = [];
  const fresh = async (id = small): Promise<string> => {
    const ticket = ticketOf(await ticketFor(id));
    tickets.push(ticket);
    return ticket;
  };
  const encoded = (text: string): string =>
    Buffer.from(text).toString('hex').replaceAll(/../g, '%$&');
  const raw = async (line: (ticket: string) => string) =>
    (await sendRaw({ head: [line(await fresh())] })).status;
  expect([
    await raw((ticket) => `POST /files/${ticket}/x HTTP/1.1`),
    await raw((ticket) => `GET /files/${ticket}/a%0d%0ab HTTP/1.1`),
    await raw((ticket) => `GET /files/${encoded(ticket)}/%0a HTTP/1.1`),
    await raw((ticket) => `GET /fil%65s//${ticket}/x HTTP/1.1`),
    await raw((ticket) => `GET /files/${ticket}/%ff HTTP/1.1`),
    await raw((ticket) => `GET /files/${ticket}/%zz HTTP/1.1`),
    await raw((ticket) => `GET /files/${ticket}/../x HTTP/1.1`),
    await raw((ticket) => `GET /assets/${ticket}/x HTTP/1.1`),
    await raw((ticket) => `GET /files/${ticket}/${'a'.repeat(9_000)} HTTP/1.1`),
    await raw((ticket) => `GET /${ticket}/${'a'.repeat(40_000)} HTTP/1.1`),
    await raw((ticket) => `POST /api/v1/sessions?${ticket} HTTP/1.1\r\nContent-Length: 9000`),
  ]).toEqual([405, 200, 200, 200, 400, 400, 400, 404, 414, 414, 413]);

  // NGINX logs addresses of an upstream that does not answer.
  const { processes } = await readStack();
  const authorizer = processes.find(({ name }) => name === 'download-authorizer')?.pid ?? 0;
  expect(authorizer).toBeGreaterThan(0);
  const hanging = `${stack.url}/files/${await fresh()}/x`;
  process.kill(authorizer, 'SIGSTOP');
  try {
    expect((await call('GET', hanging)).problem()).toMatchObject({ status: 503 });
  } finally {
    process.kill(authorizer, 'SIGCONT');
  }

  const names = ['nginx', 'functions', 'download-authorizer', 'delivery-shipper', 'localstack'];
  const logs = [...names, 'postgres', 'kafka'].map((name) => join(home(), 'logs', `${name}.log`));
  const text = await waitFor('NGINX has logged the timeout', async () => {
    const all = await Promise.all(
      [
        ...logs,
        ...['requests.log', 'deliveries.log'].map((name) => join(home(), 'nginx', name)),
      ].map((path) => readFile(path, 'utf8')),
    );
    const joined = all.join('\n');
    return /upstream timed out.* "GET \/files\/…"/.test(joined) ? joined : undefined;
  });
  for (const ticket of tickets) {
    expect(text).not.toContain(ticket.slice(0, 16));
    expect(text).not.toContain(encoded(ticket).slice(0, 48));
  }
  expect(text).not.toMatch(/X-Amz-Signature=[0-9a-f]|AWS4-HMAC-SHA256 Credential/i);
});
