import canonicalize from 'canonicalize';
import type { KeySet } from '../../lib/contracts/key-set.ts';

/** The fields of a manifest that are compared with the file. The signature covers all fields, also unknown ones. */
export interface ReadManifest {
  file: { name: string; bytes: number; rows: number; sha256: string };
  signature: string | undefined;
  /** The whole manifest as it was parsed, without its signature. */
  unsigned: Readonly<Record<string, unknown>>;
}

/** Returns the manifest in a text; undefined for any other text. */
export function readManifest(text: string): ReadManifest | undefined {
  const value = parse(text);
  if (!isObject(value) || !isObject(value['file'])) return undefined;
  const { name, bytes, rows, sha256 } = value['file'];
  if (typeof name !== 'string' || typeof bytes !== 'number') return undefined;
  if (typeof rows !== 'number' || typeof sha256 !== 'string') return undefined;
  const { signature, ...unsigned } = value;
  return {
    file: { name, bytes, rows, sha256 },
    signature: typeof signature === 'string' ? signature : undefined,
    unsigned,
  };
}

/** Why a signature proves nothing: by its own, or because this browser cannot verify it. */
export type Rejection = 'unsigned' | 'form' | 'unknown-key' | 'changed' | 'unsupported';
export type Verdict = { kid: string } | { rejected: Rejection; kid?: string };

const type = 'streamsync-manifest+jws';

/**
 * Returns the key that has signed a manifest, or why the signature is rejected: a detached JWS (RFC 7515, appendix F)
 * over the manifest without `signature` in canonical form (RFC 8785). Never throws.
 */
export async function verifyManifest(
  { signature, unsigned }: ReadManifest,
  { keys }: KeySet,
): Promise<Verdict> {
  if (signature === undefined) return { rejected: 'unsigned' };
  const [protectedHeader = '', payload, value = '', ...more] = signature.split('.', 4);
  const header = parse(text(protectedHeader));
  if (payload !== '' || more.length > 0 || !isObject(header)) return { rejected: 'form' };
  const { alg, typ, kid } = header;
  if (alg !== 'Ed25519' || typ !== type || typeof kid !== 'string') return { rejected: 'form' };
  const jwk = keys.find((key) => key.kid === kid);
  if (!jwk) return { rejected: 'unknown-key', kid };
  const signed = `${protectedHeader}.${base64url(canonicalize(unsigned) ?? '')}`;
  try {
    const key = await crypto.subtle.importKey(
      'jwk',
      { kty: jwk.kty, crv: jwk.crv, x: jwk.x },
      'Ed25519',
      false,
      ['verify'],
    );
    const isValid = await crypto.subtle.verify(
      'Ed25519',
      key,
      bytesOf(value),
      new TextEncoder().encode(signed),
    );
    return isValid ? { kid } : { rejected: 'changed', kid };
  } catch {
    return { rejected: 'unsupported', kid };
  }
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function parse(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}

/** Returns the bytes of a base64url text; of any other text, none. */
function bytesOf(encoded: string): Uint8Array<ArrayBuffer> {
  try {
    return Uint8Array.from(
      atob(encoded.replaceAll('-', '+').replaceAll('_', '/')),
      (character) => character.codePointAt(0) ?? 0,
    );
  } catch {
    return new Uint8Array();
  }
}

const text = (encoded: string): string => new TextDecoder().decode(bytesOf(encoded));

function base64url(value: string): string {
  const binary = Array.from(new TextEncoder().encode(value), (byte) => String.fromCodePoint(byte));
  return btoa(binary.join('')).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}
