import { readFile } from 'node:fs/promises';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { join } from 'node:path';
import { DeleteObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { z } from 'zod';
import { sizes } from '../../lib/contracts/sizes.ts';
import {
  asDemo,
  call,
  createExport,
  download,
  ended,
  monthOfOrders,
  ticketFor,
} from '../stack/api.ts';
import { sendRaw } from '../stack/raw.ts';
import { home, readStack, sql, stack } from '../stack/stack.ts';
import { storageClient } from '../stack/storage.ts';
import { until } from '../stack/until.ts';

const catalogue = stack.postgres.catalogue;
const demoId = `(select id from accounts where email like 'demo@%')`;

/** An export of several slices of the cache. */
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

describe('the functions that NGINX asks', () => {
  let functions = '';
  let secret = '';
  beforeAll(async () => {
    const conf = await readFile(join(home(), 'nginx', 'nginx.conf'), 'utf8');
    functions = `http://${/upstream functions \{ server ([\d.:]+);/.exec(conf)?.[1]}`;
    const secrets = JSON.parse(await readFile(join(home(), 'secrets.json'), 'utf8'));
    secret = z.object({ doorSecret: z.string() }).parse(secrets).doorSecret;
  });
  const ask = async (path: string, headers: Record<string, string>) => {
    const answer = await fetch(functions + path, { headers, signal: AbortSignal.timeout(20_000) });
    return { status: answer.status, names: [...answer.headers.keys()], headers: answer.headers };
  };
  const nothing = /^x-(origin|object|export|file|download)/;

  test.each(['/internal/authorize-download', '/internal/sign-slice'])(
    '%s answers NGINX, and nobody else',
    async (path) => {
      const ticket = { 'x-ticket': ticketOf(await ticketFor(small)), 'x-original-method': 'HEAD' };
      const door = await ask(path, { ...ticket, 'x-door-secret': secret });
      expect(door.status).toBe(204);
      expect(door.names.filter((name) => nothing.test(name)).length).toBeGreaterThan(4);
      for (const sent of [{}, { 'x-door-secret': '' }, { 'x-door-secret': `${secret}x` }]) {
        const answer = await ask(path, { ...ticket, ...sent });
        expect(answer.status).toBeGreaterThanOrEqual(400);
        expect(answer.names.filter((name) => nothing.test(name))).toEqual([]);
      }
    },
  );

  test('a file is let out by GET and HEAD alone', async () => {
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
  ])('no path leads there: %s', async (path) => {
    const ticket = ticketOf(await ticketFor(small));
    const answer = await sendRaw({ head: [`GET /api/v1/${path} HTTP/1.1`, `X-Ticket: ${ticket}`] });
    expect(answer.status).toBe(400);
    expect(JSON.parse(answer.body)).toMatchObject({ code: 'malformed_request', status: 400 });
    expect([...answer.headers.keys()].filter((name) => nothing.test(name))).toEqual([]);
  });

  test('names with dots and encoded slashes are names', async () => {
    for (const path of [
      '/sources/a/datasets/crm.contacts/histogram',
      '/exports/a%2fb',
      '/exports/..a',
    ])
      expect((await call('GET', path, { headers: asDemo })).status).toBe(404);
    expect((await call('GET', '/.well-known/jwks.json')).status).toBe(200);
  });
});

describe('what the browser sends along', () => {
  test('another application’s cookie changes nothing', async () => {
    const cookie = 'theme={"a":1}; x="unbalanced; ss_dl=short; y';
    expect((await call('GET', '/health', { headers: { cookie } })).status).toBe(200);
    const url = await ticketFor(small);
    const first = await call('GET', url, { headers: { cookie } });
    expect(first.status).toBe(200);
    const ours = first.headers.get('set-cookie')?.split(';')[0] ?? '';
    const again = { headers: { cookie: `${cookie}; ${ours}; z={}` } };
    expect((await call('GET', url, again)).status).toBe(200);
  });

  test('a cookie that was there before is not taken over', async () => {
    const planted = `ss_dl=${'P'.repeat(43)}`;
    const url = await ticketFor(small);
    const first = await call('GET', url, { headers: { cookie: planted } });
    expect(first.status).toBe(200);
    const ours = first.headers.get('set-cookie')?.split(';')[0] ?? '';
    expect(ours).toMatch(/^ss_dl=[\w-]{43}$/);
    expect(ours).not.toBe(planted);
    const thief = await call('GET', url, { headers: { cookie: planted } });
    expect(thief.problem()).toMatchObject({ status: 403, code: 'ticket_used' });
    // Nor does it keep the owner of the right one out, on whichever side of it.
    for (const cookie of [
      `${planted}; ${ours}`,
      `${ours}; ${planted}`,
      `a=b; ${planted};  ${ours}`,
    ])
      expect((await call('GET', url, { headers: { cookie } })).status).toBe(200);
  });

  test('a browser with several downloads has one cookie for them', async () => {
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

  test('no other origin reads an answer', async () => {
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
      // LocalStack lets this one read.
      await call('GET', await ticketFor(small), {
        headers: { origin: 'https://app.localstack.cloud' },
      }),
    ];
    for (const { headers: sent } of answers)
      expect([...sent.keys()].filter((name) => /^(access-control-|vary$)/.test(name))).toEqual([]);
  });

  test('its headers do not reach the storage', async () => {
    const url = await ticketFor(small);
    const key = { 'x-amz-server-side-encryption-customer-algorithm': 'AES256' };
    const first = await call('GET', url, { headers: key });
    expect(first.status).toBe(200);
    // Conditions are held by NGINX, against what the storage said.
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

describe('an object that is not the one that was exported is not delivered', () => {
  const keyOf = async (id: string): Promise<string> => {
    const [row] = await sql<{ object_key: string }>(
      catalogue,
      'select object_key from exports where id = $1 and object_etag is not null',
      [id],
    );
    if (!row) throw new Error('the export has no object, or no ETag of it');
    return row.object_key;
  };
  const replace = async (id: string, bytes: number) =>
    storageClient().send(
      new PutObjectCommand({
        Bucket: stack.s3.bucket,
        Key: await keyOf(id),
        Body: Buffer.alloc(bytes, 'FORGED\n'),
      }),
    );

  test('replaced before anybody fetched it', async () => {
    const id = await ready(monthOfOrders);
    const { file } = await ended(id);
    await replace(id, file?.bytes ?? 0);
    const answer = await call('GET', await ticketFor(id));
    expect(answer.problem()).toMatchObject({ status: 410, code: 'file_changed' });
    const page = await call('GET', await ticketFor(id), { headers: { accept: 'text/html' } });
    expect(page.status).toBe(410);
    expect(page.bytes.toString()).toContain('The file is not the one that was exported');
    expect(page.bytes.toString()).not.toMatch(/FORGED|exports\/[0-9a-f]{8}-/);
  });

  test('replaced while a part of it is in the cache', async () => {
    const id = await ready(manySlices);
    const { file } = await ended(id);
    const ranged = await call('GET', await ticketFor(id), { headers: { range: 'bytes=0-99' } });
    expect(ranged.status).toBe(206);
    await replace(id, file?.bytes ?? 0);
    // The first slice is the true one; where the second should begin, the transfer breaks off.
    const answer = await slowly(await ticketFor(id), async () => undefined);
    expect(answer.whole).toBe(false);
    expect(answer.bytes.includes('FORGED')).toBe(false);
    expect(answer.bytes.length).toBeLessThanOrEqual(4 * 2 ** 20);
  });

  test('deleted', async () => {
    const id = await ready(monthOfOrders);
    await storageClient().send(
      new DeleteObjectCommand({ Bucket: stack.s3.bucket, Key: await keyOf(id) }),
    );
    const answer = await call('GET', await ticketFor(id));
    expect(answer.problem()).toMatchObject({ status: 410, code: 'expired' });
    expect(answer.bytes.toString()).not.toContain('exports/');
  });
});

test('a right that is withdrawn ends a transfer under way', async () => {
  const id = await ready(manySlices);
  const { file } = await ended(id);
  const grant = `where source = 'sales' and account_id = ${demoId}`;
  try {
    const answer = await slowly(await ticketFor(id), async () => {
      await sql(catalogue, `delete from grants ${grant}`);
    });
    expect(answer.whole).toBe(false);
    expect(answer.bytes.length).toBeLessThan(file?.bytes ?? 0);
  } finally {
    await sql(catalogue, `insert into grants values (${demoId}, 'sales') on conflict do nothing`);
  }
  expect((await download(id)).bytes.length).toBe(file?.bytes);
});

/** Takes the head of an answer, then does something, then takes the rest; `whole` if all of it came. */
async function slowly(url: string, meanwhile: () => Promise<void>) {
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const request = httpRequest(url, { headers: asDemo, timeout: 60_000 }, resolve);
    request.once('error', reject).end();
  });
  expect(response.statusCode).toBe(200);
  await meanwhile();
  const parts: Buffer[] = [];
  try {
    for await (const part of response) parts.push(part);
  } catch {
    // Broken off: `complete` says so.
  }
  return { whole: response.complete, bytes: Buffer.concat(parts) };
}

describe('what NGINX itself refuses is a problem like any other', () => {
  const long = (characters: number): string => 'a'.repeat(characters);
  test.each([
    ['a method', ['TRACE /api/v1/health HTTP/1.1'], 405, 'method_not_allowed'],
    ['a method of a file', [`POST /files/${long(43)}/x HTTP/1.1`], 405, 'method_not_allowed'],
    ['a path that cannot be decoded', ['GET /api/v1/%zz HTTP/1.1'], 400, 'malformed_request'],
    ['a path that is no text', ['GET /api/v1/%ff HTTP/1.1'], 400, 'malformed_request'],
    ['half a character', ['GET /files/x/%c3%28 HTTP/1.1'], 400, 'malformed_request'],
    [
      'two lengths',
      ['POST /api/v1/exports HTTP/1.1', 'Content-Length: 1', 'Content-Length: 2'],
      400,
      'malformed_request',
    ],
    ['a long address', [`GET /api/v1/${long(9_000)} HTTP/1.1`], 414, 'too_large'],
    ['a very long address', [`GET /files/${long(40_000)} HTTP/1.1`], 414, 'too_large'],
    ['a long header', ['GET /api/v1/health HTTP/1.1', `X-A: ${long(17_000)}`], 431, 'too_large'],
    [
      'a coding',
      ['POST /api/v1/exports HTTP/1.1', 'Transfer-Encoding: gzip'],
      501,
      'malformed_request',
    ],
    [
      'a body',
      ['POST /api/v1/exports HTTP/1.1', `Content-Length: ${sizes.requestBytes + 1}`],
      413,
      'too_large',
    ],
    [
      'the body of a sign-in',
      ['POST /api/v1/sessions HTTP/1.1', `Content-Length: ${sizes.signInBytes + 1}`],
      413,
      'too_large',
    ],
    ['no file', ['GET /files/x HTTP/1.1'], 404, 'not_found'],
  ])('%s', async (_what, head, status, code) => {
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

  test('a range of the API is all of it', async () => {
    const answer = await call('GET', '/openapi.json', { headers: { range: 'bytes=0-3' } });
    expect(answer.status).toBe(200);
    expect(answer.bytes.length).toBeGreaterThan(4);
  });
});

test('no ticket and no signature is in any log, whatever went wrong', async () => {
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

  // What is said of an upstream that does not answer has addresses, too.
  const { processes } = await readStack();
  const functions = processes.find(({ name }) => name === 'functions')?.pid ?? 0;
  expect(functions).toBeGreaterThan(0);
  const hanging = `${stack.url}/files/${await fresh()}/x`;
  process.kill(functions, 'SIGSTOP');
  try {
    expect((await call('GET', hanging)).problem()).toMatchObject({ status: 503 });
  } finally {
    process.kill(functions, 'SIGCONT');
  }

  const logs = ['nginx', 'functions', 'localstack', 'postgres', 'kafka'].map((name) =>
    join(home(), 'logs', `${name}.log`),
  );
  const text = await until('NGINX has written of it', async () => {
    const all = await Promise.all(
      [...logs, join(home(), 'nginx', 'requests.log')].map((path) => readFile(path, 'utf8')),
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
