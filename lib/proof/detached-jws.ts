import canonicalize from 'canonicalize';
import {
  base64url,
  CompactSign,
  compactVerify,
  decodeProtectedHeader,
  errors,
  type JWK,
} from 'jose';
import { z } from 'zod';
import { keyIdSchema } from '../contracts/key-set.ts';

/**
 * A JWS in compact form without its payload (RFC 7515, appendix F), which is a JSON object in its canonical form
 * (RFC 8785): the order of keys and the spaces are not signed, everything else is.
 */
export interface SigningBy {
  /** The private key. */
  jwk: JWK;
  kid: string;
  algorithm: string;
  /** What is signed, so that nothing else that a key has signed passes for it (RFC 8725, 3.11). */
  type: string;
}

export async function signDetached(
  content: object,
  { jwk, kid, algorithm, type }: SigningBy,
): Promise<string> {
  const jws = await new CompactSign(payloadOf(content))
    .setProtectedHeader({ alg: algorithm, kid, typ: type })
    .sign(jwk);
  const [header, , signature] = jws.split('.');
  return `${header}..${signature}`;
}

/** The public key that may have signed, and by which algorithms. */
interface CandidateKey {
  jwk: JWK;
  algorithms: readonly string[];
}

export type DetachedVerdict =
  | { kid: string }
  /** Not of the form; a header that is not that of `type`; no such key; another content; anything else. */
  | { refused: 'form' | 'header' | 'key' | 'content' | 'unreadable'; kid?: string };

/** Tells whether a key of those that `keyOf` knows has signed the content as it was parsed. Never throws. */
export async function verifyDetached(
  signature: unknown,
  content: object,
  type: string,
  keyOf: (kid: string) => CandidateKey | undefined,
): Promise<DetachedVerdict> {
  const parts = typeof signature === 'string' ? signature.split('.', 4) : [];
  const [protectedHeader, payload, value] = parts;
  if (!protectedHeader || payload !== '' || !value || parts.length !== 3)
    return { refused: 'form' };
  const header = headerSchema.safeParse(headerOf(protectedHeader));
  if (!header.success || header.data.typ !== type) return { refused: 'header' };
  const { kid, alg } = header.data;
  const key = keyOf(kid);
  if (!key) return { refused: 'key', kid };
  if (!key.algorithms.includes(alg)) return { refused: 'header' };
  try {
    const whole = `${protectedHeader}.${base64url.encode(payloadOf(content))}.${value}`;
    await compactVerify(whole, key.jwk, { algorithms: [alg] });
    return { kid };
  } catch (error) {
    return error instanceof errors.JWSSignatureVerificationFailed
      ? { refused: 'content', kid }
      : { refused: 'unreadable' };
  }
}

const headerSchema = z.object({ alg: z.string(), typ: z.string(), kid: keyIdSchema });

function headerOf(protectedHeader: string): unknown {
  try {
    return decodeProtectedHeader(`${protectedHeader}..`);
  } catch {
    return undefined;
  }
}

function payloadOf(content: object): Uint8Array {
  const canonical = canonicalize(content);
  if (canonical === undefined) throw new Error('there is no canonical form of this');
  return new TextEncoder().encode(canonical);
}
