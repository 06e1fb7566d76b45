import { type IncomingMessage, type OutgoingHttpHeaders, request } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { z } from 'zod';
import { newAccount, newKey, type OwnAccount } from '../support/accounts.ts';
import { asAdmin, call } from '../support/api.ts';
import { liveTicket, openSocket } from '../support/live-client.ts';
import { readyExport } from '../support/ready-export.ts';
import { signIn } from '../support/sessions.ts';
import { sql, stack } from '../support/stack.ts';
import { freeze } from '../support/stack-processes.ts';

/**
 * Who gets bytes of a file: each caller and each right that ended, by each kind of request and spelling of the path,
 * before and after NGINX has the file in its cache.
 */
type Headers = Record<string, string>;

const catalogue = (text: string, values: unknown[]) => sql(stack.postgres.catalogue, text, values);

interface Received {
  status: number;
  headers: IncomingMessage['headers'];
  bytes: Buffer;
}

/** Sends a path as it is; `fetch` would normalise it. */
async function get(
  path: string,
  headers: OutgoingHttpHeaders = {},
  method = 'GET',
): Promise<Received> {
  const { hostname, port, host } = new URL(stack.url);
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const sent = request({ hostname, port, path, method, headers: { host, ...headers } });
    sent.setTimeout(60_000, () => sent.destroy(new Error('no answer within 60 s')));
    sent.on('response', resolve);
    sent.on('error', reject);
    sent.end();
  });
  return {
    status: response.statusCode ?? 0,
    headers: response.headers,
    bytes: await buffer(response),
  };
}

async function newTicket(id: string, headers: Headers): Promise<string> {
  const answer = await call('POST', `/exports/${id}/download`, { headers });
  const { url } = z.object({ url: z.string() }).parse(JSON.parse(answer.bytes.toString()));
  return new URL(url).pathname;
}

interface Used {
  path: string;
  cookie: string;
  etag: string;
}

/** Returns a ticket after its first use. NGINX then has the file in its cache. */
async function usedTicket(id: string, headers: Headers): Promise<Used> {
  const path = await newTicket(id, headers);
  const first = await get(path);
  expect(first.status).toBe(200);
  return {
    path,
    cookie: first.headers['set-cookie']?.[0]?.split(';')[0] ?? '',
    etag: first.headers.etag ?? '',
  };
}

const secretOf = (path: string): string => path.split('/')[2] ?? '';

/** The same path in other spellings. NGINX may read some of them as the path itself. */
const spellings = (path: string): [string, string][] => {
  const secret = secretOf(path);
  const name = path.split('/')[3] ?? '';
  const encoded = `%${secret.charCodeAt(0).toString(16)}${secret.slice(1)}`;
  return [
    ['plain', path],
    ['with an encoded letter', `/%66iles/${secret}/${name}`],
    ['with an encoded secret', `/files/${encoded}/${name}`],
    ['with an encoded slash', `/files/${secret}%2f${name}`],
    ['with ..', `/files/other/../${secret}/${name}`],
    ['with encoded ..', `/files/other/%2e%2e/${secret}/${name}`],
    ['with double slashes', `//files//${secret}//${name}`],
    ['in upper case', `/FILES/${secret}/${name}`],
    ['without a name', `/files/${secret}`],
    ['with a query', `${path}?range=0-`],
  ];
};

const kinds = (etag: string): [string, Headers, string][] => [
  ['GET', {}, 'GET'],
  ['HEAD', {}, 'HEAD'],
  ['Range', { range: 'bytes=0-99' }, 'GET'],
  ['If-Range', { range: 'bytes=0-99', 'if-range': etag }, 'GET'],
  ['If-None-Match', { 'if-none-match': etag }, 'GET'],
];

/** Returns whether an answer is of the file. The page is the answer to paths that are not below /files/. */
const isOfFile = ({ status, headers }: Received, etag: string): boolean =>
  status < 400 && (headers['content-disposition'] !== undefined || headers.etag === etag);

/** Asks in all kinds and spellings, and returns the requests that the file was the answer to. */
async function leaks(
  { path, etag }: { path: string; etag: string },
  headers: Headers,
): Promise<string[]> {
  const answered: string[] = [];
  for (const [spelling, spelt] of spellings(path))
    for (const [kind, conditions, method] of kinds(etag)) {
      const answer = await get(spelt, { ...conditions, ...headers }, method);
      if (isOfFile(answer, etag)) answered.push(`${kind} ${spelling}: ${answer.status}`);
    }
  return answered;
}

let owner: OwnAccount;
let other: OwnAccount;
let exportId = '';

beforeAll(async () => {
  [owner, other] = [await newAccount(), await newAccount()];
  exportId = await readyExport(owner.byKey);
});

test('the browser of the first use gets the file, by each kind of request', async () => {
  const { path, cookie, etag } = await usedTicket(exportId, owner.byKey);
  const statuses = [];
  for (const [kind, headers, method] of kinds(etag)) {
    const answer = await get(path, { ...headers, cookie }, method);
    expect(isOfFile(answer, etag)).toBe(true);
    statuses.push([kind, answer.status]);
  }
  expect(Object.fromEntries(statuses)).toEqual({
    GET: 200,
    HEAD: 200,
    Range: 206,
    'If-Range': 206,
    'If-None-Match': 304,
  });
});

test('no spelling of the path gives a file to a caller without the cookie or the key of the owner', async () => {
  const used = await usedTicket(exportId, owner.byKey);
  const { cookie } = await usedTicket(await readyExport(other.byKey), other.byKey);
  const callers: Record<string, Headers> = {
    'without a cookie': {},
    'with the cookie of another account': { cookie },
    'with the key of another account': other.byKey,
    'with the key of an administrator': asAdmin,
    'with an invented cookie': { cookie: `ss_dl=${'A'.repeat(43)}` },
  };
  for (const [caller, headers] of Object.entries(callers))
    expect([caller, await leaks(used, headers)]).toEqual([caller, []]);
});

interface Right {
  /** The credentials with which the ticket is made. */
  headers: Headers;
  account: OwnAccount;
  id: string;
}

const ends: [string, (right: Right) => Promise<unknown>][] = [
  [
    'the account is disabled',
    ({ account }) =>
      catalogue('update accounts set disabled_at = now() where id = $1', [account.id]),
  ],
  ['the session is ended', ({ headers }) => call('DELETE', '/sessions/current', { headers })],
  [
    'the grant is withdrawn',
    ({ account }) => catalogue('delete from grants where account_id = $1', [account.id]),
  ],
  ['the export is deleted', ({ headers, id }) => call('DELETE', `/exports/${id}`, { headers })],
  [
    'the export expires',
    ({ id }) =>
      catalogue(`update exports set expires_at = now() - interval '1 second' where id = $1`, [id]),
  ],
];

describe.each(ends)('when %s', (what, end) => {
  test('no request gets the file, and no ticket opens a socket', async () => {
    const account = await newAccount();
    const headers = await signIn(account);
    const id = await readyExport(headers);
    const unused = await newTicket(id, headers);
    const used = await usedTicket(id, headers);
    const socketUrl = await liveTicket(headers);
    await end({ headers, account, id });
    expect(await leaks(used, { cookie: used.cookie })).toEqual([]);
    expect(await leaks(used, headers)).toEqual([]);
    expect(await leaks({ path: unused, etag: used.etag }, {})).toEqual([]);
    // The right to read live does not depend on one export.
    if (!what.includes('export')) {
      const opened = await openSocket(socketUrl).then(
        (socket) => {
          socket.close();
          return !what.includes('grant');
        },
        () => false,
      );
      expect(opened).toBe(false);
    }
  });
});

test.each([
  ['revoked', 'revoked_at = now()'],
  ['expired', `expires_at = now() - interval '1 second'`],
])('the tickets of a key that is %s give no file', async (_, change) => {
  const key = await newKey(owner.id);
  const headers = { 'x-api-key': key };
  const unused = await newTicket(exportId, headers);
  const used = await usedTicket(exportId, headers);
  await catalogue(`update api_keys set ${change} where secret_hash = sha256($1)`, [
    Buffer.from(key),
  ]);
  expect(await leaks(used, { cookie: used.cookie })).toEqual([]);
  expect(await leaks({ path: unused, etag: used.etag }, {})).toEqual([]);
});

test('while the authorizer does not answer, no caller gets a file, from the cache either', async () => {
  const { path, cookie } = await usedTicket(exportId, owner.byKey);
  const release = await freeze(/^download-authorizer$/);
  try {
    const answers = await Promise.all(
      [{}, { range: 'bytes=0-99' }].map((headers) => get(path, { ...headers, cookie })),
    );
    for (const { status } of answers) expect(status).toBeGreaterThanOrEqual(500);
  } finally {
    release();
  }
});
