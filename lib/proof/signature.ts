import canonicalize from 'canonicalize';
import { base64url, CompactSign, compactVerify, decodeProtectedHeader, errors } from 'jose';
import { z } from 'zod';
import type { Manifest } from '../contracts/export-document.ts';
import { keyIdSchema, type PublicKey } from '../contracts/key-set.ts';
import type { SigningKey } from '../runtime/signing-keys.ts';

/**
 * The signature of a manifest: a JWS in compact form without its payload (RFC 7515, appendix F), which
 * is the manifest without `signature` in its canonical form (RFC 8785). The algorithm has the name of
 * RFC 9864; `EdDSA`, which says not which curve, is deprecated there.
 */
const algorithm = 'Ed25519';
/** So that nothing else a key may sign one day passes for a manifest (RFC 8725, 3.11). */
const type = 'streamsync-manifest+jws';

const headerSchema = z.object({
  alg: z.literal(algorithm),
  typ: z.literal(type),
  kid: keyIdSchema,
});

export async function signManifest(
  manifest: Manifest,
  { kid, x, d }: SigningKey,
): Promise<Manifest> {
  const jws = await new CompactSign(payloadOf({ ...manifest, signature: undefined }))
    .setProtectedHeader({ alg: algorithm, kid, typ: type })
    .sign({ kty: 'OKP', crv: 'Ed25519', x, d });
  const [header, , signature] = jws.split('.');
  return { ...manifest, signature: `${header}..${signature}` };
}

export type Verdict = { kid: string } | { refused: string };

/**
 * Whether one of these keys has signed the manifest, which has to be as it was parsed, with whatever
 * fields it has: all of them are signed.
 */
export async function verifyManifest(
  { signature, ...unsigned }: Readonly<Record<string, unknown>>,
  keys: readonly PublicKey[],
): Promise<Verdict> {
  if (signature === undefined) return { refused: 'the manifest is not signed' };
  const parts = typeof signature === 'string' ? signature.split('.') : [];
  const [protectedHeader, payload, value] = parts;
  if (!protectedHeader || payload !== '' || !value || parts.length !== 3)
    return { refused: 'the signature is not a detached JWS' };
  const header = headerSchema.safeParse(headerOf(protectedHeader));
  if (!header.success)
    return { refused: `the header of the signature is not {alg: ${algorithm}, typ: ${type}, kid}` };
  const { kid } = header.data;
  const key = keys.find((candidate) => candidate.kid === kid);
  if (!key) return { refused: `the key ${kid}, which is said to have signed, is not among these` };
  try {
    await compactVerify(
      `${protectedHeader}.${base64url.encode(payloadOf(unsigned))}.${value}`,
      key,
      {
        algorithms: [algorithm],
      },
    );
    return { kid };
  } catch (error) {
    if (error instanceof errors.JWSSignatureVerificationFailed)
      return { refused: `the key ${kid} has not signed this: the manifest is not as it was made` };
    return { refused: 'the signature cannot be read' };
  }
}

function payloadOf(unsigned: object): Uint8Array {
  const canonical = canonicalize(unsigned);
  if (canonical === undefined) throw new Error('a manifest without a canonical form');
  return new TextEncoder().encode(canonical);
}

function headerOf(protectedHeader: string): unknown {
  try {
    return decodeProtectedHeader(`${protectedHeader}..`);
  } catch {
    return undefined;
  }
}
