import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import canonicalize from 'canonicalize';
import fc from 'fast-check';
import { base64url, CompactSign, exportJWK } from 'jose';
import type { EventKey } from '../../contracts/event-policy.ts';
import { eventPolicySchema } from '../../contracts/event-policy.ts';
import { signDetached } from '../../proof/detached-jws.ts';
import { isFresh, isSigned } from './event-sender.ts';

const type = 'streamsync-event+jws';

interface Pair {
  published: EventKey;
  privateKey: KeyObject;
  algorithm: string;
}

async function pairOf(
  { publicKey, privateKey }: { publicKey: KeyObject; privateKey: KeyObject },
  kid: string,
  algorithm: string,
): Promise<Pair> {
  const jwk = { ...(await exportJWK(publicKey)), kid };
  const policy = eventPolicySchema.parse({ mode: 'signed', sources: null, keys: [jwk] });
  const [published] = policy.keys;
  if (!published) throw new Error('no key');
  return { published, privateKey, algorithm };
}

function ed25519(kid: string) {
  return pairOf(generateKeyPairSync('ed25519'), kid, 'Ed25519');
}

function p256(kid: string) {
  return pairOf(generateKeyPairSync('ec', { namedCurve: 'P-256' }), kid, 'ES256');
}

const pairs = { ed: await ed25519('ed'), ec: await p256('ec') };
const keys = [pairs.ed.published, pairs.ec.published];

async function sign(event: object, { published, privateKey, algorithm }: Pair, as = type) {
  return {
    ...event,
    signature: await signDetached(event, {
      jwk: privateKey.export({ format: 'jwk' }),
      kid: published.kid,
      algorithm,
      type: as,
    }),
  };
}

const event = {
  specversion: '1.0',
  id: 'b7c9a3f2',
  source: '/warehouse',
  type: 'streamsync.export.requested.v1',
  time: '2026-11-20T10:00:00Z',
  data: {
    requestedBy: 'analyst@example.com',
    sources: ['sales'],
    dataset: 'orders',
    format: 'csv',
    where: [{ column: 'total', op: 'gt', value: 1_000.5 }],
  },
};

test.each(['ed', 'ec'] as const)(
  'isSigned accepts the signature of a registered key: %s',
  async (name) => {
    expect(await isSigned(await sign(event, pairs[name]), keys)).toBe(true);
    // Signed again, and with the other key not registered.
    expect(await isSigned(await sign(event, pairs[name]), [pairs[name].published])).toBe(true);
  },
);

test('isSigned accepts the algorithm name EdDSA unless the key names another', async () => {
  const signed = await sign(event, { ...pairs.ed, algorithm: 'EdDSA' });
  expect(await isSigned(signed, keys)).toBe(true);
  const [strict] = eventPolicySchema.parse({
    mode: 'signed',
    sources: null,
    keys: [{ ...pairs.ed.published, alg: 'Ed25519' }],
  }).keys;
  expect(strict && (await isSigned(signed, [strict]))).toBe(false);
});

/** An event with arbitrary JSON in additional attributes. */
const anyEvent = fc
  .dictionary(
    fc.string({ unit: 'grapheme', maxLength: 8 }).filter((name) => name !== 'signature'),
    fc.jsonValue({ maxDepth: 3, stringUnit: 'grapheme' }),
    { maxKeys: 5 },
  )
  .map((attributes) => ({ ...event, ...attributes }));
const anyPair = fc.constantFrom(pairs.ed, pairs.ec);

describe('isSigned with an arbitrary event', () => {
  test('isSigned ignores the order of keys, spaces and escapes', async () => {
    await fc.assert(
      fc.asyncProperty(anyEvent, anyPair, async (plain, pair) => {
        const signed = await sign(plain, pair);
        const reformatted = JSON.stringify(reverseKeys(signed), null, 3).replaceAll(
          '/',
          String.raw`\/`,
        );
        expect(await isSigned(JSON.parse(reformatted), keys)).toBe(true);
      }),
      { numRuns: 60 },
    );
  });

  test('isSigned rejects an event that was changed anywhere', async () => {
    await fc.assert(
      fc.asyncProperty(
        anyEvent,
        anyPair,
        fc.nat(),
        fc.jsonValue({ maxDepth: 1, stringUnit: 'grapheme' }),
        async (plain, pair, place, value) => {
          const signed = JSON.parse(JSON.stringify(await sign(plain, pair)));
          const changed = structuredClone(signed);
          change(changed, place, value);
          const { signature: _, ...before } = signed;
          const { signature, ...after } = changed;
          fc.pre(canonicalize(before) !== canonicalize(after));
          expect(signature).toBe(signed.signature);
          expect(await isSigned(changed, keys)).toBe(false);
        },
      ),
      { numRuns: 200 },
    );
  });

  test('isSigned rejects a signature that was changed anywhere', async () => {
    const signed = await sign(event, pairs.ed);
    const { signature } = signed;
    await fc.assert(
      fc.asyncProperty(
        fc.nat({ max: signature.length - 1 }),
        fc.constantFrom('A', 'Q', 'g', 'w', 'Z', 'z', '9', '_', '-', '.', '=', ' '),
        async (at, letter) => {
          const other = signature.slice(0, at) + letter + signature.slice(at + 1);
          // Four bits of the last letter are not part of the 64 bytes.
          fc.pre(bytesOf(other) !== bytesOf(signature));
          expect(await isSigned({ ...signed, signature: other }, keys)).toBe(false);
        },
      ),
      { numRuns: 200 },
    );
  });
});

describe('isSigned with an invalid signature', () => {
  const without = (kid: string) => keys.filter((key) => key.kid !== kid);

  test('isSigned rejects a signature of a key that the account does not have', async () => {
    expect(await isSigned(await sign(event, pairs.ed), without('ed'))).toBe(false);
    expect(await isSigned(await sign(event, pairs.ed), [])).toBe(false);
    const forged = await sign(event, await ed25519('ed'));
    expect(await isSigned(forged, keys)).toBe(false);
    expect(await isSigned(await sign(event, await ed25519('ec')), keys)).toBe(false);
  });

  test('isSigned rejects a signature of another type by the same key', async () => {
    expect(await isSigned(await sign(event, pairs.ed, 'JWT'), keys)).toBe(false);
    expect(await isSigned(await sign(event, pairs.ed, 'streamsync-manifest+jws'), keys)).toBe(
      false,
    );
  });

  const header = (fields: object): string => base64url.encode(JSON.stringify(fields));
  test.each<[string, (value: string) => unknown]>([
    ['without an algorithm', () => `${header({ alg: 'none', kid: 'ed', typ: type })}..`],
    [
      'with the algorithm none and a value',
      (value) => `${header({ alg: 'none', kid: 'ed', typ: type })}..${value}`,
    ],
    [
      'with an HMAC algorithm',
      (value) => `${header({ alg: 'HS256', kid: 'ed', typ: type })}..${value}`,
    ],
    [
      'with the algorithm of another key',
      (value) => `${header({ alg: 'ES256', kid: 'ed', typ: type })}..${value}`,
    ],
    [
      'with an attached payload',
      (value) => `${header({ alg: 'Ed25519', kid: 'ed', typ: type })}.e30.${value}`,
    ],
    ['of two parts', () => 'a.b'],
    ['that is not a string', () => ({ alg: 'none' })],
    ['that is empty', () => ''],
    [
      'that is too long',
      (value) =>
        `${header({ alg: 'Ed25519', kid: 'ed', typ: type, x: 'x'.repeat(1_000) })}..${value}`,
    ],
  ])('isSigned rejects a signature %s', async (_name, signatureFrom) => {
    const { signature } = await sign(event, pairs.ed);
    expect(
      await isSigned({ ...event, signature: signatureFrom(signature.split('..')[1] ?? '') }, keys),
    ).toBe(false);
  });

  test('isSigned rejects an unknown critical header (RFC 7515, 4.1.11)', async () => {
    const jws = await new CompactSign(new TextEncoder().encode(canonicalize(event)))
      .setProtectedHeader({ alg: 'Ed25519', kid: 'ed', typ: type, crit: ['b64'], b64: true })
      .sign(pairs.ed.privateKey);
    const unknown = jws.replace(
      /^[^.]+/,
      header({ alg: 'Ed25519', kid: 'ed', typ: type, crit: ['x'], x: 1 }),
    );
    expect(await isSigned({ ...event, signature: unknown.replace(/\..*\./, '..') }, keys)).toBe(
      false,
    );
  });

  test('isSigned rejects an event that has no canonical form', async () => {
    const signed = await sign(event, pairs.ed);
    expect(await isSigned({ ...signed, data: Number.POSITIVE_INFINITY }, keys)).toBe(false);
    expect(await isSigned({ ...signed, data: '\ud800' }, keys)).toBe(false);
  });
});

test('an event policy rejects private keys, other curves, wrong lengths and a kid that occurs twice', () => {
  const policy = (keys_: object[]) =>
    eventPolicySchema.safeParse({ mode: 'signed', sources: null, keys: keys_ }).success;
  const ed = pairs.ed.published;
  expect(policy([ed, pairs.ec.published])).toBe(true);
  expect(policy([pairs.ed.privateKey.export({ format: 'jwk' })])).toBe(false);
  expect(policy([{ ...pairs.ed.privateKey.export({ format: 'jwk' }), kid: 'ed' }])).toBe(false);
  expect(policy([{ ...ed, crv: 'X25519' }])).toBe(false);
  expect(policy([{ ...ed, x: `${ed.x}A` }])).toBe(false);
  expect(policy([{ ...ed, kid: '' }])).toBe(false);
  expect(policy([{ kty: 'oct', k: 'c2VjcmV0', kid: 'ed' }])).toBe(false);
  expect(policy([ed, ed])).toBe(false);
});

test('isFresh accepts times up to 6 days ago and 5 minutes ahead', () => {
  const now = Date.parse('2026-11-20T10:00:00Z');
  const fresh = (time: unknown): boolean => isFresh(time, now);
  expect(fresh('2026-11-20T10:00:00Z')).toBe(true);
  expect(fresh('2026-11-20T11:04:00+01:00')).toBe(true);
  expect(fresh('2026-11-20T10:06:00Z')).toBe(false);
  expect(fresh('2026-11-14T10:00:01Z')).toBe(true);
  expect(fresh('2026-11-14T09:59:59Z')).toBe(false);
  expect([undefined, null, 1_795_000_000, 'now', ''].map(fresh)).toEqual(Array(5).fill(false));
});

/** Returns the value with the keys of its objects in reverse order, at every level. */
function reverseKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reverseKeys);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .toReversed()
      .map(([name, inner]) => [name, reverseKeys(inner)]),
  );
}

/** Changes, adds or deletes a member of a JSON object, at the place that the number selects. */
function change(target: object, place: number, value: unknown): void {
  const names = Object.keys(target).filter((name) => name !== 'signature');
  const name = names[place % (names.length + 1)];
  const rest = Math.floor(place / (names.length + 1));
  if (name === undefined) Reflect.set(target, 'added', value);
  else {
    const inner: unknown = Reflect.get(target, name);
    if (typeof inner === 'object' && inner !== null && rest % 3 > 0) change(inner, rest, value);
    else if (rest % 2 === 0) Reflect.set(target, name, value);
    else Reflect.deleteProperty(target, name);
  }
}

function bytesOf(signature: string): string {
  return signature
    .split('.')
    .map((part) => Buffer.from(part, 'base64url').toString('hex'))
    .join('.');
}
