import { randomUUID } from 'node:crypto';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { openHome } from '../../infra/local/home/home.ts';
import { applyStackEnvironment, findRunningStack } from '../../infra/local/home/running-stack.ts';
import type { AuditAction } from '../../lib/contracts/audit.ts';
import { exportDocumentSchema } from '../../lib/contracts/export-document.ts';
import { sessionSchema } from '../../lib/contracts/sessions.ts';
import { newAccount, type OwnAccount } from '../support/accounts.ts';
import { asAdmin, call, createExport, monthOfOrders } from '../support/api.ts';
import { auditEntries, auditPage } from '../support/audit.ts';
import { produce, requested } from '../support/events.ts';
import { rawCall } from '../support/raw-call.ts';
import { credentials, home, sql, stack } from '../support/stack.ts';
import { sweep } from '../support/sweep.ts';
import { waitFor } from '../support/wait-for.ts';

const { catalogue } = stack.postgres;
const secretValue = 'a value that only a condition has';
const request = {
  ...monthOfOrders,
  where: [{ column: 'status', op: 'ne', value: secretValue }],
};
let account: OwnAccount;
/** The URL of the functions' role. */
let functionsUrl = '';

beforeAll(async () => {
  account = await newAccount();
  const opened = openHome({ STREAMSYNC_HOME: home() });
  const running = findRunningStack(opened);
  if (!running) throw new Error('the stack is not running');
  applyStackEnvironment(opened, running);
  functionsUrl = process.env['STREAMSYNC_CATALOGUE_URL'] ?? '';
});

const ready = (id: string) =>
  waitFor(`export ${id} is ready`, async () => {
    const answer = await call('GET', `/exports/${id}`, { headers: account.byKey });
    return answer.json(exportDocumentSchema).status === 'ready' ? true : undefined;
  });

/** Asserts that the newest entries of an export are these, and that the client's address is in those of requests. */
async function expectEntries(id: string, expected: object[]): Promise<void> {
  const entries = await auditEntries({ export: id });
  expect(entries.slice(0, expected.length)).toMatchObject(expected);
}

const done = (action: AuditAction, more: object = {}) => ({
  actor: account.email,
  action,
  address: '127.0.0.1',
  outcome: 'done',
  ...more,
});

describe('entries of requests', () => {
  let id = '';

  test('an export has an entry for each change and ticket, with who, what, from where', async () => {
    const key = { 'Idempotency-Key': randomUUID() };
    const headers = { ...account.byKey, ...key };
    ({ id } = await createExport(request, headers));
    await createExport(request, headers);
    const details = { sources: ['sales'], dataset: 'orders', format: 'csv' };
    await expectEntries(id, [
      done('export.create', { target: id, details: { repeated: true } }),
      done('export.create', { target: id, details }),
    ]);
    await ready(id);
    const file = await call('POST', `/exports/${id}/download`, { headers: account.byKey });
    await call('GET', `/exports/${id}/file`, { headers: account.byKey });
    await call('GET', `/exports/${id}/file`, { headers: { accept: 'text/html' } });
    const { file: document } = (
      await call('GET', `/exports/${id}`, { headers: account.byKey })
    ).json(exportDocumentSchema);
    await call('POST', `/exports/${id}/acknowledge`, {
      headers: account.byKey,
      body: { sha256: document?.sha256 },
    });
    const refused = await call('POST', `/exports/${id}/retry`, { headers: account.byKey });
    expect(refused.status).toBe(409);
    await call('DELETE', `/exports/${id}`, { headers: account.byKey });
    await expectEntries(id, [
      done('export.delete', { target: id, details: { was: 'ready' } }),
      done('export.retry', { outcome: 'refused', details: { status: 409, code: 'not_retryable' } }),
      done('export.acknowledge'),
      done('ticket.create', { target: id }),
      done('ticket.create', { target: id }),
    ]);
    // The door refuses the ticket of the deleted export.
    const url = String(JSON.parse(file.bytes.toString()).url);
    expect((await call('GET', url)).status).toBe(404);
    expect((await call('GET', url.replace(/files\/[^/]+/, 'files/unknown'))).status).toBe(404);
    const [byNobody] = await auditEntries({ actor: 'anonymous', action: 'download.refuse' });
    expect(byNobody).toMatchObject({
      outcome: 'refused',
      address: '127.0.0.1',
      details: { status: 404 },
    });
  });

  test('the door records whose file it refused', async () => {
    const { id: expired } = await createExport(request, account.byKey);
    await ready(expired);
    const file = await call('POST', `/exports/${expired}/download`, { headers: account.byKey });
    await sql(catalogue, 'update exports set expires_at = now() where id = $1', [expired]);
    const url = String(JSON.parse(file.bytes.toString()).url);
    expect((await call('GET', url)).status).toBe(410);
    const refusals = await auditEntries({ export: expired, action: 'download.refuse' });
    expect(refusals).toMatchObject([
      { target: expired, actor: 'anonymous', details: { status: 410, code: 'expired' } },
    ]);
    await sweep();
    await waitFor('the sweep has expired the export', async () =>
      (await auditEntries({ export: expired, action: 'export.expire' })).at(0),
    );
    await expectEntries(expired, [
      { action: 'export.expire', actor: 'sweep', address: null, outcome: 'done' },
    ]);
  });

  test('a cancelled export has its own action', async () => {
    await call('POST', '/sources/sales/pause', {
      headers: asAdmin,
      body: { reason: 'of the audit' },
    });
    try {
      const { id: queued } = await createExport(request, account.byKey);
      await call('DELETE', `/exports/${queued}`, { headers: account.byKey });
      await expectEntries(queued, [done('export.cancel'), done('export.create')]);
    } finally {
      await call('DELETE', '/sources/sales/pause', { headers: asAdmin });
    }
    const admin = credentials.admin.email;
    expect(await auditEntries({ actor: admin, action: 'source.pause', limit: 1 })).toMatchObject([
      { target: 'sales', outcome: 'done', details: { reason: 'of the audit' } },
    ]);
    expect(await auditEntries({ actor: admin, action: 'source.resume', limit: 1 })).toMatchObject([
      { target: 'sales', outcome: 'done' },
    ]);
  });

  test('sessions, live tickets, readings, limits and event policies have entries', async () => {
    const { email, password } = account;
    const signIn = (body: object) => call('POST', '/sessions', { body });
    expect((await signIn({ email, password: 'wrong' })).status).toBe(401);
    const { token } = (await signIn({ email, password })).json(sessionSchema);
    await call('POST', '/live-tickets', { headers: { authorization: `Bearer ${token}` } });
    const reading = { series: 'audit-1', at: new Date().toISOString(), value: 1 };
    await call('POST', '/readings', { headers: account.byKey, body: reading });
    const path = `/accounts/${encodeURIComponent(email)}`;
    const limits = { maxRows: 1_000_000, maxBytes: null };
    await call('PUT', `${path}/limits`, { headers: asAdmin, body: limits });
    const policy = { mode: 'unsigned', sources: null, keys: [] };
    await call('PUT', `${path}/event-policy`, { headers: asAdmin, body: policy });
    expect(await auditEntries({ actor: email, limit: 3 })).toMatchObject([
      done('readings.create'),
      done('live-ticket.create'),
      done('session.create', { target: email }),
    ]);
    const [wrong] = await auditEntries({ actor: 'anonymous', action: 'session.create', limit: 1 });
    expect(wrong).toMatchObject({
      target: email,
      outcome: 'refused',
      details: { status: 401, code: 'invalid_credentials' },
    });
    expect(await auditEntries({ actor: credentials.admin.email, limit: 2 })).toMatchObject([
      { action: 'account.set-event-policy', target: email, details: { mode: 'unsigned' } },
      { action: 'account.set-limits', target: email, details: { maxRows: 1_000_000 } },
    ]);
  });

  test('who may not, is named if known; estimates have no entry', async () => {
    const path = `/accounts/${encodeURIComponent(account.email)}/limits`;
    const body = { maxRows: 1, maxBytes: null };
    expect((await call('PUT', path, { headers: account.byKey, body })).status).toBe(403);
    expect((await call('PUT', path, { headers: { 'x-api-key': 'no key' }, body })).status).toBe(
      401,
    );
    expect((await auditEntries({ actor: account.email, limit: 1 }))[0]).toMatchObject(
      done('account.set-limits', {
        outcome: 'refused',
        target: account.email,
        details: { status: 403, code: 'forbidden' },
      }),
    );
    const [unknown] = await auditEntries({ actor: 'anonymous', action: 'account.set-limits' });
    expect(unknown).toMatchObject({ outcome: 'refused', details: { status: 401 } });
    const [newest] = await auditEntries({ actor: account.email, limit: 1 });
    await call('POST', '/exports/estimate', { headers: account.byKey, body: request });
    expect(await auditEntries({ actor: account.email, limit: 1 })).toEqual([newest]);
  });

  test('the address is that of the connection, whatever the client claims', async () => {
    const from = '127.9.200.1';
    await rawCall({
      method: 'POST',
      path: '/live-tickets',
      from,
      headers: { ...account.byKey, 'x-forwarded-for': '1.2.3.4', 'x-client-address': '1.2.3.4' },
    });
    const [entry] = await auditEntries({ actor: account.email, limit: 1 });
    expect(entry).toMatchObject({ action: 'live-ticket.create', address: from });
  });

  test('no entry has a secret or the value of a condition', async () => {
    const rows = await sql<{ text: string }>(
      catalogue,
      `select e::text as text from audit.entries e where actor = $1 or target = $1 or export_id = $2`,
      [account.email, id],
    );
    expect(rows.length).toBeGreaterThan(10);
    const all = rows.map(({ text }) => text).join('\n');
    for (const secret of [account.apiKey, account.password, secretValue])
      expect(all).not.toContain(secret);
  });

  test('a change without its entry is not made', async () => {
    const count = () =>
      sql(
        catalogue,
        'select count(*) from exports e join accounts a on a.id = e.owner_id where a.email = $1',
        [account.email],
      );
    const before = await count();
    const role = new URL(functionsUrl).username;
    await sql(catalogue, `revoke insert (outcome) on audit.entries from ${role}`);
    try {
      const answer = await call('POST', '/exports', { headers: account.byKey, body: request });
      expect(answer.status).toBe(500);
      const ticket = await call('POST', '/live-tickets', { headers: account.byKey });
      expect(ticket.status).toBe(500);
    } finally {
      await sql(catalogue, `grant insert (outcome) on audit.entries to ${role}`);
    }
    expect(await count()).toEqual(before);
  });
});

test('events have an entry when they are accepted or rejected', async () => {
  const accepted = requested({ ...request, requestedBy: account.email });
  const rejected = requested({ ...request, dataset: 'no dataset', requestedBy: account.email });
  await produce('exports.requested', [
    { value: JSON.stringify(accepted) },
    { value: JSON.stringify(rejected) },
  ]);
  const entry = await waitFor('the event is accepted', async () =>
    (await auditEntries({ actor: account.email, action: 'event.accept' })).at(0),
  );
  expect(entry).toMatchObject({
    outcome: 'done',
    address: null,
    details: { eventId: accepted.id, eventSource: '/tests', dataset: 'orders' },
  });
  await waitFor('the event is rejected', async () =>
    (await auditEntries({ actor: 'events', action: 'event.reject' })).find(
      ({ target, details }) =>
        target === rejected.id &&
        details['code'] === 'invalid_request' &&
        details['requestedBy'] === account.email,
    ),
  );
});

describe('the role of the functions', () => {
  test.each([
    `update audit.entries set actor = 'x'`,
    'delete from audit.entries',
    'truncate audit.entries',
    'drop table audit.entries',
    'drop schema audit cascade',
    'alter table audit.entries disable trigger all',
    'alter table audit.entries owner to current_user',
    `insert into audit.entries (at, actor, action, outcome) values (now() - interval '1 day', 'x', 'x', 'done')`,
    'update audit.settings set retention_days = 1',
    `select audit.protect('streamsync', 'streamsync', 1)`,
    'create table audit.other ()',
    'set role streamsync_audit',
  ])('may not: %s', async (statement) => {
    await expect(sql(functionsUrl, statement)).rejects.toMatchObject({ code: '42501' });
  });

  test('may insert and read, and remove what is older than the retention', async () => {
    const marker = `test-${randomUUID()}`;
    await sql(
      catalogue,
      `insert into audit.entries (at, actor, action, outcome)
       select now() - age * interval '1 day', $1, 'export.expire', 'done' from unnest(array[399, 401]) age`,
      [marker],
    );
    await sql(
      functionsUrl,
      `insert into audit.entries (actor, action, outcome) values ($1, 'export.expire', 'done')`,
      [marker],
    );
    await sql(functionsUrl, 'select audit.remove_expired()');
    const ages = await sql(
      functionsUrl,
      `select extract(day from now() - at)::int as days from audit.entries where actor = $1 order by id`,
      [marker],
    );
    expect(ages).toEqual([{ days: 399 }, { days: 0 }]);
  });
});

describe('GET /admin/audit', () => {
  const marker = `audit-${randomUUID()}@tests.example`;
  beforeAll(async () => {
    await sql(
      catalogue,
      `insert into audit.entries (actor, action, target, outcome, details)
       select $1, case when n % 2 = 0 then 'key.create' else 'key.revoke' end,
         '=cmd|''/c calc''!A' || n, 'done', json_build_object('n', n, 'text', 'a "b", c') from generate_series(1, 450) n`,
      [marker],
    );
  });

  test('its filters and cursor return every entry once, newest first', async () => {
    const seen: string[] = [];
    let cursor: string | null = null;
    do {
      const page = await auditPage({
        actor: marker.toUpperCase(),
        action: 'key.create',
        limit: 100,
        ...(cursor === null ? {} : { cursor }),
      });
      seen.push(...page.items.map(({ target }) => target ?? ''));
      ({ nextCursor: cursor } = page);
    } while (cursor !== null);
    expect(seen).toEqual(Array.from({ length: 225 }, (_, n) => `=cmd|'/c calc'!A${450 - 2 * n}`));
    const future = new Date(Date.now() + 3_600_000).toISOString();
    expect(await auditEntries({ actor: marker, from: future })).toEqual([]);
    expect(await auditEntries({ actor: marker, to: future, limit: 1 })).toHaveLength(1);
  });

  test('as CSV it has all rows, and no text is a formula', async () => {
    const answer = await call('GET', `/admin/audit?actor=${marker}`, {
      headers: { ...asAdmin, accept: 'text/csv' },
    });
    expect(answer.status).toBe(200);
    expect(answer.headers.get('content-type')).toBe('text/csv; charset=utf-8');
    expect(answer.headers.get('link')).toBeNull();
    const [header, first, ...more] = answer.bytes.toString().trimEnd().split('\n');
    expect(header).toBe('id,at,actor,action,target,address,outcome,details');
    expect(first).toContain(`,${marker},key.create,'=cmd|'/c calc'!A450,,done,"{""n"":450,`);
    expect(more).toHaveLength(449);
    const limited = await call('GET', `/admin/audit?actor=${marker}&limit=2`, {
      headers: { ...asAdmin, accept: 'text/csv' },
    });
    expect(limited.bytes.toString().trimEnd().split('\n')).toHaveLength(3);
    const next = /^<\/api\/v1(.*)>; rel="next"$/.exec(limited.headers.get('link') ?? '')?.[1] ?? '';
    const page = await call('GET', next, { headers: asAdmin });
    expect(page.bytes.toString()).toContain('A448');
  });

  test.each([
    ['cursor=x', 'cursor'],
    ['action=unknown', 'action'],
    ['export=x', 'export'],
    ['from=yesterday', 'from'],
    ['limit=201', 'limit'],
    ['other=1', 'other'],
  ])('?%s is rejected', async (query, field) => {
    const answer = await call('GET', `/admin/audit?${query}`, { headers: asAdmin });
    expect(answer.problem()).toMatchObject({ status: 422, errors: [{ field }] });
  });
});
