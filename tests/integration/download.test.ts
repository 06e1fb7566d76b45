import { beforeAll, describe, expect, test } from '@jest/globals';
import { downloadSchema } from '../../lib/contracts/export-document.ts';
import {
  asDemo,
  asOther,
  call,
  createExport,
  download,
  ended,
  monthOfOrders,
  ticketFor,
} from '../support/api.ts';
import { readStack, sql, stack } from '../support/stack.ts';
import { waitFor } from '../support/wait-for.ts';

let id = '';
let bytes: Buffer;
let sha256 = '';

beforeAll(async () => {
  // A file of several slices of the cache.
  const created = await createExport({ sources: ['sales'], dataset: 'order_items', format: 'csv' });
  id = created.id;
  sha256 = (await ended(id)).file?.sha256 ?? '';
  bytes = (await download(id)).bytes;
});

describe('tickets', () => {
  test('a ticket returns the file as an attachment with its name and digest', async () => {
    const url = await ticketFor(id);
    expect(url).toMatch(/^http:\/\/localhost:\d+\/files\//);
    const answer = await call('GET', url);
    expect(answer.status).toBe(200);
    expect(answer.bytes.equals(bytes)).toBe(true);
    expect(Object.fromEntries(answer.headers)).toMatchObject({
      'content-type': 'text/csv; charset=utf-8',
      'content-disposition': `attachment; filename="order_items_all_${id.slice(-8)}.csv"`,
      'accept-ranges': 'bytes',
      'content-length': String(bytes.length),
      'repr-digest': `sha-256=:${Buffer.from(sha256, 'hex').toString('base64')}:`,
      etag: expect.stringMatching(/^"[^"]+"$/),
      'set-cookie': expect.stringMatching(
        /^ss_dl=[\w-]{43}; HttpOnly; SameSite=Strict; Path=\/files\/$/,
      ),
    });
    expect(answer.headers.has('content-encoding')).toBe(false);
    expect(
      [...answer.headers.keys()].filter((name) => /^x-(amz|origin|object)/.test(name)),
    ).toEqual([]);
  });

  test('a ticket is valid for a minute', async () => {
    const [before] = await sql<{ now: Date }>(stack.postgres.catalogue, 'select now()');
    const answer = await call('POST', `/exports/${id}/download`, { headers: asDemo });
    const [after] = await sql<{ now: Date }>(stack.postgres.catalogue, 'select now()');
    const lastUse = Date.parse(answer.json(downloadSchema).expiresAt);
    const minute = 60_000;
    expect(lastUse).toBeGreaterThanOrEqual((before?.now.getTime() ?? Infinity) + minute);
    expect(lastUse).toBeLessThanOrEqual((after?.now.getTime() ?? 0) + minute);
  });

  test('a ticket is bound to the browser that used it first, where a transfer can be resumed', async () => {
    const url = await ticketFor(id);
    const first = await call('GET', url);
    const cookie = first.headers.get('set-cookie')?.split(';')[0] ?? '';
    const range = { range: `bytes=5000000-5000099` };
    const resumed = await call('GET', url, { headers: { cookie, ...range } });
    expect(resumed.status).toBe(206);
    expect(resumed.bytes.equals(bytes.subarray(5_000_000, 5_000_100))).toBe(true);
    expect(resumed.headers.get('etag')).toBe(first.headers.get('etag'));

    const stolen = await call('GET', url, { headers: range });
    expect(stolen.problem()).toMatchObject({ status: 403, code: 'ticket_used' });
    const other = await call('GET', url, { headers: { ...range, ...asOther } });
    expect(other.problem().status).toBe(403);
    const owner = await call('GET', url, { headers: { ...range, ...asDemo } });
    expect(owner.status).toBe(206);
  });

  test('a browser that presents two issued cookies gets no third one', async () => {
    const cookieOf = async (): Promise<string> =>
      (await call('GET', await ticketFor(id))).headers.get('set-cookie')?.split(';')[0] ?? '';
    const cookies = [await cookieOf(), await cookieOf()];
    const url = await ticketFor(id);
    const answer = await call('GET', url, { headers: { cookie: cookies.join('; ') } });
    expect([answer.status, answer.headers.get('set-cookie')]).toEqual([200, null]);
    const again = await call('GET', url, { headers: { cookie: cookies[0] ?? '' } });
    expect(again.status).toBe(200);
  });

  test('a HEAD request does not use a ticket', async () => {
    const url = await ticketFor(id);
    const head = await call('HEAD', url);
    expect([head.status, head.headers.get('content-length')]).toEqual([200, String(bytes.length)]);
    expect((await call('GET', url)).bytes.length).toBe(bytes.length);
  });

  test('only one of several concurrent first uses of a ticket succeeds', async () => {
    const url = await ticketFor(id);
    const answers = await Promise.all([1, 2, 3, 4].map(() => call('GET', url)));
    expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([
      200, 403, 403, 403,
    ]);
  });

  test('a ticket expires if it is not used within a minute', async () => {
    const url = await ticketFor(id);
    await sql(
      stack.postgres.catalogue,
      `update tickets set first_use_before = now() where first_used_at is null and export_id = $1`,
      [id],
    );
    expect((await call('GET', url)).problem()).toMatchObject({
      status: 410,
      code: 'ticket_expired',
    });
  });

  test.each([
    ['a URL with another file name', (url: string) => url.slice(0, url.lastIndexOf('/') + 1), 404],
    ['an unknown ticket', () => `${stack.url}/files/${'A'.repeat(43)}/x.csv`, 404],
    [
      'a path with encoded ..',
      (url: string) => `${stack.url}/files/x/..%2f..%2f${url.split('/files/')[1]}`,
      400,
    ],
    ['the path of the authorizer', () => `${stack.url}/authorize-download`, 404],
    ['the internal path of the authorizer', () => `${stack.url}/internal/authorize-download`, 200],
  ])('%s returns no file', async (_name, change, status) => {
    const answer = await call('GET', change(await ticketFor(id)), { headers: asDemo });
    // A path without a location of its own returns the page, never a file.
    expect(answer.status).toBe(status);
    expect(answer.bytes.includes('order_id')).toBe(false);
  });

  test('a ticket accepts only GET and HEAD', async () => {
    const answer = await call('PUT', await ticketFor(id), { headers: asDemo, body: 'x' });
    expect([403, 405]).toContain(answer.status);
  });
});

describe('withdrawal of access', () => {
  test('a download is rejected at once after its grant is withdrawn, although the file is cached', async () => {
    const url = await ticketFor(id);
    const cookie = (await call('GET', url)).headers.get('set-cookie')?.split(';')[0] ?? '';
    const owner = `(select id from accounts where email like 'demo@%')`;
    await sql(
      stack.postgres.catalogue,
      `delete from grants where source = 'sales' and account_id = ${owner}`,
    );
    try {
      const answer = await call('GET', url, { headers: { cookie } });
      expect(answer.problem()).toMatchObject({ status: 403, code: 'forbidden' });
    } finally {
      await sql(stack.postgres.catalogue, `insert into grants values (${owner}, 'sales')`);
    }
    expect((await call('GET', url, { headers: { cookie } })).status).toBe(200);
  });

  test('a download is rejected with 410 at once after the export expired, with a used ticket and a warm cache', async () => {
    const short = await createExport({ ...monthOfOrders, ttlSeconds: 60 });
    await ended(short.id);
    const url = await ticketFor(short.id);
    const cookie = (await call('GET', url)).headers.get('set-cookie')?.split(';')[0] ?? '';
    await sql(stack.postgres.catalogue, 'update exports set expires_at = now() where id = $1', [
      short.id,
    ]);
    expect((await call('GET', url, { headers: { cookie } })).problem()).toMatchObject({
      status: 410,
      code: 'expired',
    });
    const answer = await call('POST', `/exports/${short.id}/download`, { headers: asDemo });
    expect(answer.problem()).toMatchObject({ status: 410, code: 'expired' });
    expect((await call('GET', `/exports/${short.id}/manifest`, { headers: asDemo })).status).toBe(
      410,
    );
    const status = await call('GET', `/exports/${short.id}`, { headers: asDemo });
    expect(status.bytes.toString()).toContain('"status":"expired"');
  });
});

test('acknowledge records the download if the digest is right', async () => {
  const { id: mine } = await createExport(monthOfOrders);
  const document = await ended(mine);
  const acknowledge = (digest: string) =>
    call('POST', `/exports/${mine}/acknowledge`, { headers: asDemo, body: { sha256: digest } });
  expect((await acknowledge('0'.repeat(64))).problem()).toMatchObject({
    status: 422,
    errors: [{ field: 'sha256' }],
  });
  expect((await acknowledge('x')).problem().status).toBe(422);
  const times = new Set<string | null>();
  for (let n = 0; n < 2; n++) {
    expect((await acknowledge(document.file?.sha256 ?? '')).status).toBe(204);
    times.add((await ended(mine)).downloadedAt);
  }
  // A repeat changes nothing and publishes no event.
  expect([...times]).toEqual([expect.any(String)]);
  const events = await sql(
    stack.postgres.catalogue,
    `select 1 from outbox where topic = 'exports.results'
       and convert_from(value, 'UTF8')::json->>'type' = 'streamsync.export.downloaded.v1'
       and convert_from(value, 'UTF8')::json->'data'->>'id' = $1`,
    [mine],
  );
  expect(events).toHaveLength(1);
  await waitFor('the export is listed as downloaded', async () => {
    const list = await call('GET', '/exports?downloaded=true&limit=200', { headers: asDemo });
    return list.bytes.includes(mine) ? true : undefined;
  });
  const rest = await call('GET', '/exports?downloaded=false&limit=200', { headers: asDemo });
  expect(rest.bytes.includes(mine)).toBe(false);
});

test('stack.json names the processes of the stack', async () => {
  const names = (await readStack()).processes.map(({ name }) => name);
  for (const name of ['postgres', 'kafka', 'localstack', 'nginx', 'functions', 'export-worker-0'])
    expect(names).toContain(name);
});
