import type { Account } from '../access/accounts.ts';
import { type Requester, requesterByEmail } from '../access/event-policy.ts';
import { type EventKey, signedEventFields } from '../contracts/event-policy.ts';
import { type ExportRequested, requestedBySchema } from '../contracts/events.ts';
import { verifyDetached } from '../proof/detached-jws.ts';
import { catalogue } from '../runtime/catalogue.ts';
import { type Refusal, refusedFields } from '../runtime/errors.ts';
import { rememberedDays } from './idempotency.ts';

/** In whose name an event asks. */
export interface Sender {
  /** Where the ids of its events are remembered. Nobody without a key of an account has a place in the account's. */
  idempotencyScope: string;
  /** Throws why not, if it may not ask in this name. */
  owner: () => Account;
}

const signatureType = 'streamsync-event+jws';
/** Less than ids are remembered: when one is forgotten, the event that had it is no longer taken. */
const maxAgeDays = rememberedDays - 1;
const maxAheadMinutes = 5;
const day = 24 * 3_600_000;

/**
 * Finds out who sends an event. An event with a signature has to have a valid one, whatever the account takes; what
 * is refused before a signature was verified says nothing about the account.
 */
export async function senderOf(event: ExportRequested): Promise<Sender> {
  const unproven = `event:${event.source}`;
  const requester = await requesterOf(event.data);
  // CloudEvents' JSON may write an attribute that is not there as null.
  if ((event['signature'] ?? null) === null) {
    const allowed = requester?.policy.mode === 'unsigned' && takesSource(requester, event);
    return allowed
      ? accepted(unproven, requester)
      : refused(
          unproven,
          'requestedBy',
          'must be the email of an account that takes such events: not all do, some take signed ones alone or those of a few sources',
        );
  }
  if (!requester || !(await isSigned(event, requester.policy.keys)))
    return refused(
      unproven,
      'signature',
      'must be by a key that is registered for the account of `requestedBy`, over the event as it is',
    );
  const proven = `signed-event:${requester.account.id}:${event.source}`;
  if (!isFresh(event['time'], Date.now()))
    return refused(
      proven,
      'time',
      `must say when the event was made, in the last ${maxAgeDays} days: send it anew with another id`,
    );
  if (!takesSource(requester, event))
    return refused(proven, 'source', 'must be one from which the account takes events');
  return accepted(proven, requester);
}

async function requesterOf(data: unknown): Promise<Requester | undefined> {
  if (typeof data !== 'object' || data === null || !('requestedBy' in data)) return undefined;
  const email = requestedBySchema.safeParse(data.requestedBy);
  return email.success ? requesterByEmail(catalogue(), email.data) : undefined;
}

const accepted = (idempotencyScope: string, { account }: Requester): Sender => ({
  idempotencyScope,
  owner: () => account,
});

const refused = (idempotencyScope: string, field: string, message: string): Sender => {
  const refusal: Refusal = refusedFields([{ field, message }]);
  return {
    idempotencyScope,
    owner: () => {
      throw refusal;
    },
  };
};

const takesSource = ({ policy: { sources } }: Requester, { source }: ExportRequested): boolean =>
  sources === null || sources.includes(source);

/** Whether one of the keys has signed the event, which has to be as it was parsed, with all its attributes. */
export async function isSigned(
  { signature, ...unsigned }: Readonly<Record<string, unknown>>,
  keys: readonly EventKey[],
): Promise<boolean> {
  const form = signedEventFields.signature.safeParse(signature);
  if (!form.success) return false;
  const verdict = await verifyDetached(form.data, unsigned, signatureType, (kid) => {
    const jwk = keys.find((candidate) => candidate.kid === kid);
    return jwk && { jwk, algorithms: algorithmsOf(jwk) };
  });
  return !('refused' in verdict);
}

/** `EdDSA` is the name that libraries know which are older than RFC 9864; by the key it means the same. */
function algorithmsOf({ kty, alg }: EventKey): readonly string[] {
  if (alg === undefined) return kty === 'OKP' ? ['Ed25519', 'EdDSA'] : ['ES256'];
  return [alg];
}

/** Whether a signed event was made so lately that a copy of it would be known by its id. */
export function isFresh(time: unknown, now: number): boolean {
  const made = signedEventFields.time.safeParse(time);
  if (!made.success || made.data === undefined) return false;
  const age = now - Date.parse(made.data);
  return age < maxAgeDays * day && age > -maxAheadMinutes * 60_000;
}
