import type { Account } from '../access/accounts.ts';
import { hasCredentials, identify } from '../access/authenticate.ts';
import { credentialJoins, isCredentialValid } from '../access/credentials.ts';
import { requireScope } from '../access/scopes.ts';
import { hashOf, newSecret } from '../access/secrets.ts';
import { describeRequest } from '../audit/request-audit.ts';
import type { Download } from '../contracts/export-document.ts';
import { requireReady } from '../exports/export-document.ts';
import type { ExportRecord } from '../exports/export-record.ts';
import { originalFileName } from '../exports/file-name.ts';
import { mayStillRead, requireStillGranted } from '../exports/rights.ts';
import { catalogue } from '../runtime/catalogue.ts';
import { config } from '../runtime/config.ts';
import { AppError } from '../runtime/errors.ts';
import { type SignedGet, signGet } from '../storage/signed-get.ts';
import { contentDisposition } from './content-disposition.ts';

/**
 * A ticket is the right of one account to one object, in the form of a URL. Its first use must be a GET within a
 * minute, and binds it to the browser (cookie `ss_dl`). Later requests, such as a resumed transfer, need that cookie
 * or the owner's credentials. Everything is checked at every request; what does not depend on the caller is checked
 * again for every slice that NGINX fetches.
 */
const firstUseSeconds = 60;
const cookieName = 'ss_dl';

type Header = (name: string) => string | undefined;

/** Returns the URL of a new ticket for a ready export. Throws `not_ready`, `expired` and `forbidden`. */
export async function issueTicket(account: Account, record: ExportRecord): Promise<Download> {
  const { file, object_key } = requireReady(record);
  await requireStillGranted(record.id);
  const secret = newSecret();
  const { rows } = await catalogue().query<{ first_use_before: Date }>(
    `insert into tickets (secret_hash, export_id, account_id, api_key_id, session_id, object_key, first_use_before)
     values ($1, $2, $3, $4, $5, $6, now() + interval '${firstUseSeconds} seconds')
     returning first_use_before`,
    [hashOf(secret), record.id, account.id, account.apiKeyId, account.sessionId, object_key],
  );
  const [row] = rows;
  if (!row) throw new Error('the ticket was not stored');
  return {
    url: `${config().url}/files/${secret}/${encodeURIComponent(file.name)}`,
    expiresAt: row.first_use_before.toISOString(),
  };
}

/** What NGINX needs to answer one request for a file. */
export interface DownloadGrant {
  ticketId: string;
  accountId: string;
  exportId: string;
  objectKey: string;
  /** The value of `Content-Disposition`. */
  disposition: string;
  contentType: string;
  sha256: string;
  /** The `Set-Cookie` header if this request bound the ticket to a browser, else null. */
  cookie: string | null;
}

interface File {
  name: string;
  contentType: string;
  sha256: string;
}

interface Ticket {
  id: string;
  export_id: string;
  account_id: string;
  object_key: string;
  object_etag: string | null;
  first_used: boolean;
  within_first_use: boolean;
  cookie_hash: Buffer | null;
  state: string;
  deleted: boolean;
  replaced: boolean;
  expired: boolean;
  transfer_over: boolean;
  account_ok: boolean;
  credential_ok: boolean;
  grants_ok: boolean;
  file: File | null;
  name: string | null;
  dataset: string;
}

const selectTicket = `
  select t.id, t.export_id, t.account_id, t.object_key, e.object_etag, t.cookie_hash,
    t.first_used_at is not null as first_used, t.first_use_before > now() as within_first_use,
    e.object_key is distinct from t.object_key as replaced,
    e.state, e.file, e.request ->> 'name' as name, e.request ->> 'dataset' as dataset, e.deleted_at is not null as deleted, e.expires_at <= now() as expired,
    e.expires_at + make_interval(secs => $2) <= now() as transfer_over,
    a.disabled_at is null as account_ok,
    t.revoked_at is null and ${isCredentialValid} as credential_ok,
    ${mayStillRead} as grants_ok
  from tickets t
  join exports e on e.id = t.export_id
  join accounts a on a.id = t.account_id
  ${credentialJoins('t')}
  where t.secret_hash = $1 and e.owner_id = t.account_id`;

/** Authorises one request for a file. Throws an `AppError` that says why not; NGINX also denies on any other error. */
export async function authorizeDownload(
  secret: string,
  method: string,
  header: Header,
): Promise<DownloadGrant> {
  if (method !== 'GET' && method !== 'HEAD')
    throw new AppError('method_not_allowed', 'Use GET to download a file.');
  const ticket = await findTicket(hashOf(secret));
  const cookie = await checkTicketUse(ticket, hashOf(secret), method, header);
  return {
    ticketId: ticket.id,
    accountId: ticket.account_id,
    exportId: ticket.export_id,
    objectKey: ticket.object_key,
    disposition: dispositionOf(ticket),
    contentType: ticket.file.contentType,
    sha256: ticket.file.sha256,
    cookie,
  };
}

function dispositionOf({ file, name, dataset }: Ticket & { file: File }): string {
  const original = originalFileName(file.name, { name: name ?? undefined, dataset });
  return contentDisposition(file.name, original);
}

/**
 * Signs the request for a slice of a file. NGINX calls this only within a request that `authorizeDownload` has
 * authorised; a transfer may last for hours, so all that may have been withdrawn meanwhile is checked again. If the
 * export expires meanwhile, the transfer goes on for its grace.
 */
export async function signSlice(secret: string): Promise<{ exportId: string; signed: SignedGet }> {
  const { export_id, object_key, object_etag } = await findTicket(hashOf(secret), {
    inTransfer: true,
  });
  return { exportId: export_id, signed: await signGet(object_key, object_etag) };
}

/**
 * Returns the ticket if its file may be downloaded now. Throws `not_found`, `expired` and `forbidden`.
 *
 * @param inTransfer whether a transfer of the file began before
 */
async function findTicket(
  secretHash: Buffer,
  { inTransfer = false } = {},
): Promise<Ticket & { file: File }> {
  const { rows } = await catalogue().query<Ticket>(selectTicket, [
    secretHash,
    config().transferGraceSeconds,
  ]);
  const [ticket] = rows;
  if (!ticket || ticket.deleted)
    throw new AppError('not_found', 'This link does not lead to a file.');
  describeRequest({ target: ticket.export_id });
  const { file } = ticket;
  // The object of an earlier run must not be served with the file name and the hash of the new one.
  const isOver = inTransfer ? ticket.transfer_over : ticket.expired || ticket.state !== 'ready';
  if (isOver || ticket.replaced || !file)
    throw new AppError('expired', 'The export has expired and its file is deleted.');
  if (!ticket.account_ok || !ticket.credential_ok || !ticket.grants_ok)
    throw new AppError('forbidden', 'Your right to this file was withdrawn.');
  return { ...ticket, file };
}

/** Throws if this caller may not use the ticket now. Returns the cookie to set, or null. */
async function checkTicketUse(
  ticket: Ticket,
  secretHash: Buffer,
  method: string,
  header: Header,
): Promise<string | null> {
  const presentedCookies = cookiesOf(header);
  if (!ticket.first_used) {
    if (!ticket.within_first_use)
      throw new AppError('ticket_expired', 'The link was not used within a minute.');
    if (method === 'HEAD') return null;
    const known = await findIssuedCookie(ticket.account_id, presentedCookies);
    const secret = known ?? newSecret();
    const { rowCount } = await catalogue().query(
      `update tickets set first_used_at = now(), cookie_hash = $2
       where secret_hash = $1 and first_used_at is null`,
      [secretHash, hashOf(secret)],
    );
    if (rowCount === 1) return known === undefined ? setCookie(secret) : null;
    // A concurrent request was first. It may have come from the same browser, with the same cookie.
    return checkTicketUse(await findTicket(secretHash), secretHash, method, header);
  }
  if (presentedCookies.some((cookie) => ticket.cookie_hash?.equals(hashOf(cookie)))) return null;
  if (hasCredentials(header)) {
    const caller = await identify(header);
    requireScope(caller, 'files:read');
    if (caller.id === ticket.account_id) return null;
  }
  throw new AppError('ticket_used', 'The link was used by another browser.');
}

/**
 * Returns the presented cookie that we issued to this account, if any. A browser with several downloads keeps its
 * cookie; a new one would end its other downloads. A cookie from elsewhere is not reused: another party may know it.
 */
async function findIssuedCookie(
  accountId: string,
  presentedCookies: readonly string[],
): Promise<string | undefined> {
  if (presentedCookies.length === 0) return undefined;
  const { rows } = await catalogue().query<{ cookie_hash: Buffer }>(
    'select cookie_hash from tickets where account_id = $1 and cookie_hash = any($2)',
    [accountId, presentedCookies.map(hashOf)],
  );
  return presentedCookies.find((cookie) =>
    rows.some((row) => row.cookie_hash.equals(hashOf(cookie))),
  );
}

/** Returns all cookies of our name: another application on the host can set one, for a path that sorts before ours. */
const cookiesOf = (header: Header): string[] =>
  [
    ...(header('cookie') ?? '').matchAll(
      new RegExp(`(?:^|;) *${cookieName}=([A-Za-z0-9_-]{43})(?=;|$)`, 'g'),
    ),
  ].flatMap(([, secret]) => secret ?? []);

const setCookie = (secret: string): string =>
  `${cookieName}=${secret}; HttpOnly; SameSite=Strict; Path=/files/${config().url.startsWith('https:') ? '; Secure' : ''}`;
