import type { Account } from '../access/accounts.ts';
import { authenticate, hasCredentials } from '../access/authenticate.ts';
import { hashOf, newSecret } from '../access/secrets.ts';
import type { Download } from '../contracts/export-document.ts';
import { type ExportRecord, requireReady } from '../exports/documents.ts';
import { requireStillGranted } from '../exports/rights.ts';
import { catalogue } from '../runtime/catalogue.ts';
import { config } from '../runtime/config.ts';
import { Refusal } from '../runtime/errors.ts';
import { type SignedGet, signGet } from '../storage/signed-get.ts';

/**
 * A ticket is the right of one account to one object. It has to be used first within a minute, by GET;
 * that use binds it to the browser (cookie `ss_dl`). Later requests, such as a resumed transfer, need
 * that cookie or the owner's own credentials. Everything is checked at every request; what does not
 * depend on who asks is checked again for every slice that NGINX fetches.
 */
const firstUseSeconds = 60;
const cookieName = 'ss_dl';

type Header = (name: string) => string | undefined;

/** Returns a fresh ticket URL for an export that is ready. Throws `not_ready`, `expired` and `forbidden`. */
export async function issueTicket(account: Account, record: ExportRecord): Promise<Download> {
  const { file, object_key } = requireReady(record);
  requireStillGranted(account, record.request);
  const secret = newSecret();
  const { rows } = await catalogue().query<{ first_use_before: Date }>(
    `insert into tickets (secret_hash, export_id, account_id, api_key_id, object_key, first_use_before)
     values ($1, $2, $3, $4, $5, now() + interval '${firstUseSeconds} seconds')
     returning first_use_before`,
    [hashOf(secret), record.id, account.id, account.apiKeyId, object_key],
  );
  const [row] = rows;
  if (!row) throw new Error('the ticket was not stored');
  return {
    url: `${config().url}/files/${secret}/${encodeURIComponent(file.name)}`,
    expiresAt: row.first_use_before.toISOString(),
  };
}

/** What NGINX needs to answer one request for a file. */
export interface Authorized {
  exportId: string;
  objectKey: string;
  fileName: string;
  contentType: string;
  sha256: string;
  /** To be set where the ticket was bound to a browser by this request. */
  cookie: string | null;
}

interface File {
  name: string;
  contentType: string;
  sha256: string;
}

interface Ticket {
  export_id: string;
  account_id: string;
  object_key: string;
  object_etag: string | null;
  first_used: boolean;
  may_begin: boolean;
  cookie_hash: Buffer | null;
  state: string;
  deleted: boolean;
  replaced: boolean;
  expired: boolean;
  account_ok: boolean;
  key_ok: boolean;
  grants_ok: boolean;
  file: File | null;
}

const selectTicket = `
  select t.export_id, t.account_id, t.object_key, e.object_etag, t.cookie_hash,
    t.first_used_at is not null as first_used, t.first_use_before > now() as may_begin,
    e.object_key is distinct from t.object_key as replaced,
    e.state, e.file, e.deleted_at is not null as deleted, e.expires_at <= now() as expired,
    a.disabled_at is null as account_ok,
    k.revoked_at is null as key_ok,
    not exists (
      select 1 from json_array_elements_text(e.request->'sources') wanted
      where not exists (select 1 from grants g where g.account_id = a.id and g.source = wanted)
    ) as grants_ok
  from tickets t
  join exports e on e.id = t.export_id
  join accounts a on a.id = t.account_id
  left join api_keys k on k.id = t.api_key_id
  where t.secret_hash = $1 and e.owner_id = t.account_id`;

/** Decides about one request for a file. Throws a refusal; everything else that throws is a no, too. */
export async function authorizeDownload(
  secret: string,
  method: string,
  header: Header,
): Promise<Authorized> {
  if (method !== 'GET' && method !== 'HEAD')
    throw new Refusal('method_not_allowed', 'A file is fetched by GET.');
  const ticket = await findTicket(hashOf(secret));
  const cookie = await admit(ticket, hashOf(secret), method, header);
  return {
    exportId: ticket.export_id,
    objectKey: ticket.object_key,
    fileName: ticket.file.name,
    contentType: ticket.file.contentType,
    sha256: ticket.file.sha256,
    cookie,
  };
}

/**
 * Signs the request for a slice of a file. NGINX asks for it only within a request that `authorizeDownload`
 * has let in; a transfer may last for hours, so what may have been withdrawn meanwhile is looked at again.
 */
export async function signSlice(secret: string): Promise<SignedGet> {
  const { object_key, object_etag } = await findTicket(hashOf(secret));
  return signGet(object_key, object_etag);
}

/** The ticket, if its file may be had at this moment. Throws `not_found`, `expired` and `forbidden`. */
async function findTicket(secretHash: Buffer): Promise<Ticket & { file: File }> {
  const { rows } = await catalogue().query<Ticket>(selectTicket, [secretHash]);
  const [ticket] = rows;
  if (!ticket || ticket.deleted)
    throw new Refusal('not_found', 'There is no file behind this link.');
  const { file } = ticket;
  // The object of an earlier run must not go by the name and the hash of the new one.
  if (ticket.expired || ticket.replaced || ticket.state !== 'ready' || !file)
    throw new Refusal('expired', 'The export has expired and its file is deleted.');
  if (!ticket.account_ok || !ticket.key_ok || !ticket.grants_ok)
    throw new Refusal('forbidden', 'The right to this file was withdrawn.');
  return { ...ticket, file };
}

/** Whether this caller may use the ticket now. Returns the cookie to set, if any. */
async function admit(
  ticket: Ticket,
  secretHash: Buffer,
  method: string,
  header: Header,
): Promise<string | null> {
  const brought = cookiesOf(header);
  if (!ticket.first_used) {
    if (!ticket.may_begin)
      throw new Refusal('ticket_expired', 'The link was not used within a minute.');
    if (method === 'HEAD') return null;
    const known = await boundBefore(ticket.account_id, brought);
    const secret = known ?? newSecret();
    const { rowCount } = await catalogue().query(
      `update tickets set first_used_at = now(), cookie_hash = $2
       where secret_hash = $1 and first_used_at is null`,
      [secretHash, hashOf(secret)],
    );
    if (rowCount === 1) return known === undefined ? setCookie(secret) : null;
    // Somebody else was first, a moment ago. A browser that brought its cookie may have been that.
    return admit(await findTicket(secretHash), secretHash, method, header);
  }
  if (brought.some((cookie) => ticket.cookie_hash?.equals(hashOf(cookie)))) return null;
  if (hasCredentials(header) && (await authenticate(header)).id === ticket.account_id) return null;
  throw new Refusal('ticket_used', 'The link was used by another browser.');
}

/**
 * The cookie of the browser, if it is one that we gave to this account: a browser with several downloads keeps it,
 * else each would take the others' from it. A value that we did not give may be known to whoever set it.
 */
async function boundBefore(
  accountId: string,
  brought: readonly string[],
): Promise<string | undefined> {
  if (brought.length === 0) return undefined;
  const { rows } = await catalogue().query<{ cookie_hash: Buffer }>(
    'select cookie_hash from tickets where account_id = $1 and cookie_hash = any($2)',
    [accountId, brought.map(hashOf)],
  );
  return brought.find((cookie) => rows.some((row) => row.cookie_hash.equals(hashOf(cookie))));
}

/** A browser may send several of that name: others on the host can set one for another path, which comes first. */
const cookiesOf = (header: Header): string[] =>
  [
    ...(header('cookie') ?? '').matchAll(
      new RegExp(`(?:^|;) *${cookieName}=([A-Za-z0-9_-]{43})(?=;|$)`, 'g'),
    ),
  ].flatMap(([, secret]) => secret ?? []);

const setCookie = (secret: string): string =>
  `${cookieName}=${secret}; HttpOnly; SameSite=Strict; Path=/files/${config().url.startsWith('https:') ? '; Secure' : ''}`;
