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
 * How to sign a JSON object by a JWS in compact form without its payload (RFC 7515, appendix F). The payload is the
 * object in canonical form (RFC 8785): everything except for the order of keys and white space is signed.
 */
export interface SigningOptions {
  /** The private key. */
  jwk: JWK;
  kid: string;
  algorithm: string;
  /** The type of the content, so that a signature for another type is not accepted (RFC 8725, 3.11). */
  type: string;
}

export async function signDetached(
  content: object,
  { jwk, kid, algorithm, type }: SigningOptions,
): Promise<string> {
  const jws = await new CompactSign(payloadOf(content))
    .setProtectedHeader({ alg: algorithm, kid, typ: type })
    .sign(jwk);
  const [header, , signature] = jws.split('.');
  return `${header}..${signature}`;
}

/** A public key that may have signed, and the algorithms that are accepted with it. */
interface CandidateKey {
  jwk: JWK;
  algorithms: readonly string[];
}

export type DetachedVerdict =
  | { kid: string }
  /** Not a detached JWS; a header of another type or algorithm; an unknown key; other content; any other error. */
  | { rejected: 'form' | 'header' | 'key' | 'content' | 'unreadable'; kid?: string };

/** Returns whether a key that `keyOf` knows has signed the content, which must be as it was parsed. Never throws. */
export async function verifyDetached(
  signature: unknown,
  content: object,
  type: string,
  keyOf: (kid: string) => CandidateKey | undefined,
): Promise<DetachedVerdict> {
  const sections = typeof signature === 'string' ? signature.split('.', 4) : [];
  const [protectedHeader, payload, value] = sections;
  if (!protectedHeader || payload !== '' || !value || sections.length !== 3)
    return { rejected: 'form' };
  const header = headerSchema.safeParse(headerOf(protectedHeader));
  if (!header.success || header.data.typ !== type) return { rejected: 'header' };
  const { kid, alg } = header.data;
  const key = keyOf(kid);
  if (!key) return { rejected: 'key', kid };
  if (!key.algorithms.includes(alg)) return { rejected: 'header' };
  try {
    const jws = `${protectedHeader}.${base64url.encode(payloadOf(content))}.${value}`;
    await compactVerify(jws, key.jwk, { algorithms: [alg] });
    return { kid };
  } catch (error) {
    return error instanceof errors.JWSSignatureVerificationFailed
      ? { rejected: 'content', kid }
      : { rejected: 'unreadable' };
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
  if (canonical === undefined) throw new Error('the content has no canonical form');
  return new TextEncoder().encode(canonical);
}
