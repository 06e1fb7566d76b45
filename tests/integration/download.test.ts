import { beforeAll, describe, expect, test } from '@jest/globals';
import {
  asDemo,
  asOther,
  call,
  createExport,
  download,
  ended,
  monthOfOrders,
  ticketFor,
} from '../stack/api.ts';
import { readStack, sql, stack } from '../stack/stack.ts';
import { until } from '../stack/until.ts';

let id = '';
let bytes: Buffer;
let sha256 = '';

beforeAll(async () => {
  // Several slices of the cache.
  const created = await createExport({ sources: ['sales'], dataset: 'order_items', format: 'csv' });
  id = created.id;
  sha256 = (await ended(id)).file?.sha256 ?? '';
  bytes = (await download(id)).bytes;
});

describe('a ticket', () => {
  test('gives the file as an attachment, with its name and digest', async () => {
    const url = await ticketFor(id);
    expect(url).toMatch(/^http:\/\/localhost:\d+\/files\//);
    const answer = await call('GET', url);
    expect(answer.status).toBe(200);
    expect(answer.bytes.equals(bytes)).toBe(true);
    expect(Object.fromEntries(answer.headers)).toMatchObject({
      'content-type': 'text/csv; charset=utf-8',
      'content-disposition': `attachment; filename="order_items_start_end_${id.slice(-8)}.csv"`,
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

  test('is bound to the browser that used it first; a resumed transfer goes on there', async () => {
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

  test('is not used up by HEAD', async () => {
    const url = await ticketFor(id);
    const head = await call('HEAD', url);
    expect([head.status, head.headers.get('content-length')]).toEqual([200, String(bytes.length)]);
    expect((await call('GET', url)).bytes.length).toBe(bytes.length);
  });

  test('used by two at once is used by one', async () => {
    const url = await ticketFor(id);
    const answers = await Promise.all([1, 2, 3, 4].map(() => call('GET', url)));
    expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([
      200, 403, 403, 403,
    ]);
  });

  test('not used within its minute is over', async () => {
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
    ['another name', (url: string) => url.slice(0, url.lastIndexOf('/') + 1), 404],
    ['a ticket of nobody', () => `${stack.url}/files/${'A'.repeat(43)}/x.csv`, 404],
    ['a way up', (url: string) => `${stack.url}/files/x/..%2f..%2f${url.split('/files/')[1]}`, 400],
    ['the authorizer itself', () => `${stack.url}/authorize-download`, 404],
    ['the function behind it', () => `${stack.url}/internal/authorize-download`, 200],
  ])('%s opens nothing', async (_name, change, status) => {
    const answer = await call('GET', change(await ticketFor(id)), { headers: asDemo });
    // What no location takes is the page, never a file.
    expect(answer.status).toBe(status);
    expect(answer.bytes.includes('order_id')).toBe(false);
  });

  test('takes no other method', async () => {
    const answer = await call('PUT', await ticketFor(id), { headers: asDemo, body: 'x' });
    expect([403, 405]).toContain(answer.status);
  });
});

describe('what is withdrawn works no more, cache or not', () => {
  test('a grant', async () => {
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

  test('an export that expires: 410 at once, warm cache and open ticket included', async () => {
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

test('acknowledge proves the download, with the right digest alone', async () => {
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
  // A repeat changes nothing, and is told to nobody.
  expect([...times]).toEqual([expect.any(String)]);
  const told = await sql(
    stack.postgres.catalogue,
    `select 1 from outbox where topic = 'exports.results'
       and convert_from(value, 'UTF8')::json->>'type' = 'streamsync.export.downloaded.v1'
       and convert_from(value, 'UTF8')::json->'data'->>'id' = $1`,
    [mine],
  );
  expect(told).toHaveLength(1);
  await until('it is among the downloaded', async () => {
    const list = await call('GET', '/exports?downloaded=true&limit=200', { headers: asDemo });
    return list.bytes.includes(mine) ? true : undefined;
  });
  const rest = await call('GET', '/exports?downloaded=false&limit=200', { headers: asDemo });
  expect(rest.bytes.includes(mine)).toBe(false);
});

test('the stack names its processes', async () => {
  const names = (await readStack()).processes.map(({ name }) => name);
  for (const name of ['postgres', 'kafka', 'localstack', 'nginx', 'functions', 'export-worker-0'])
    expect(names).toContain(name);
});
