import type { Account } from '../../access/accounts.ts';
import { type Requester, requesterByEmail } from '../../access/event-policy.ts';
import { type EventKey, signedEventFields } from '../../contracts/event-policy.ts';
import { type ExportRequested, requestedBySchema } from '../../contracts/events.ts';
import { verifyDetached } from '../../proof/detached-jws.ts';
import { catalogue } from '../../runtime/catalogue.ts';
import { type AppError, invalidFields } from '../../runtime/errors.ts';
import { idempotencyTtlDays } from './idempotency.ts';

/** The account that an event names, and whether the event may request exports for it. */
export interface Sender {
  /** Scope of the ids of its events. Only events signed with a key of the account use the scope of the account. */
  idempotencyScope: string;
  /** Returns the account. Throws `invalid_request` if the event may not request exports for it. */
  owner: () => Account;
}

const signatureType = 'streamsync-event+jws';
/** Less than `idempotencyTtlDays`: when an id is deleted, its event is already too old to be accepted. */
const maxAgeDays = idempotencyTtlDays - 1;
const maxAheadMinutes = 5;
const dayMs = 24 * 3_600_000;

/**
 * Returns the sender of an event. A signature must be valid, also if the account accepts unsigned events. A rejection
 * before the signature is verified reveals nothing about the account.
 */
export async function senderOf(event: ExportRequested): Promise<Sender> {
  const unsignedScope = `event:${event.source}`;
  const requester = await requesterOf(event.data);
  // The JSON format of CloudEvents allows null for an absent attribute.
  if ((event['signature'] ?? null) === null) {
    const allowed = requester?.policy.mode === 'unsigned' && acceptsSource(requester, event);
    return allowed
      ? accepted(unsignedScope, requester)
      : rejected(
          unsignedScope,
          'requestedBy',
          'must be the email of an account that accepts this event: an account may accept no events, signed events only, or events of certain sources only',
        );
  }
  if (!requester || !(await isSigned(event, requester.policy.keys)))
    return rejected(
      unsignedScope,
      'signature',
      'must be made with a key that is registered for the account of `requestedBy`, over the event as it was sent',
    );
  const signedScope = `signed-event:${requester.account.id}:${event.source}`;
  if (!isFresh(event['time'], Date.now()))
    return rejected(
      signedScope,
      'time',
      `must be the time when the event was created, within the last ${maxAgeDays} days: send a new event with another id`,
    );
  if (!acceptsSource(requester, event))
    return rejected(signedScope, 'source', 'must be one from which the account accepts events');
  return accepted(signedScope, requester);
}

async function requesterOf(data: unknown): Promise<Requester | undefined> {
  if (typeof data !== 'object' || data === null || !('requestedBy' in data)) return undefined;
  const email = requestedBySchema.safeParse(data.requestedBy);
  return email.success ? requesterByEmail(catalogue(), email.data) : undefined;
}

function accepted(idempotencyScope: string, { account }: Requester): Sender {
  return {
    idempotencyScope,
    owner: () => account,
  };
}

function rejected(idempotencyScope: string, field: string, message: string): Sender {
  const error: AppError = invalidFields([{ field, message }]);
  return {
    idempotencyScope,
    owner: () => {
      throw error;
    },
  };
}

function acceptsSource({ policy: { sources } }: Requester, { source }: ExportRequested): boolean {
  return sources === null || sources.includes(source);
}

/** Returns whether one of the keys signed the event. The event must be complete and as it was parsed. */
export async function isSigned(
  { signature, ...unsigned }: Readonly<Record<string, unknown>>,
  keys: readonly EventKey[],
): Promise<boolean> {
  const parsed = signedEventFields.signature.safeParse(signature);
  if (!parsed.success) return false;
  const verdict = await verifyDetached(parsed.data, unsigned, signatureType, (kid) => {
    const jwk = keys.find((candidate) => candidate.kid === kid);
    return jwk && { jwk, algorithms: algorithmsOf(jwk) };
  });
  return !('rejected' in verdict);
}

/**
 * Returns the algorithms of a key. Libraries older than RFC 9864 call `Ed25519` `EdDSA`; the key makes it unambiguous.
 */
function algorithmsOf({ kty, alg }: EventKey): readonly string[] {
  if (alg === undefined) return kty === 'OKP' ? ['Ed25519', 'EdDSA'] : ['ES256'];
  return [alg];
}

/** Returns whether a signed event is so recent that the id of an earlier copy is still stored. */
export function isFresh(time: unknown, now: number): boolean {
  const parsed = signedEventFields.time.safeParse(time);
  if (!parsed.success || parsed.data === undefined) return false;
  const ageMs = now - Date.parse(parsed.data);
  return ageMs < maxAgeDays * dayMs && ageMs > -maxAheadMinutes * 60_000;
}
