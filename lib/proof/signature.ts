import type { Manifest } from '../contracts/export-document.ts';
import type { PublicKey } from '../contracts/key-set.ts';
import type { SigningKey } from '../runtime/signing-keys.ts';
import { signDetached, verifyDetached } from './detached-jws.ts';

/**
 * The signature of a manifest: a detached JWS over the manifest without `signature`. The name of the algorithm is from
 * RFC 9864, which deprecates `EdDSA` because that does not name the curve.
 */
const algorithm = 'Ed25519';
const type = 'streamsync-manifest+jws';

export async function signManifest(
  manifest: Manifest,
  { kid, x, d }: SigningKey,
): Promise<Manifest> {
  const signature = await signDetached(
    { ...manifest, signature: undefined },
    { jwk: { kty: 'OKP', crv: 'Ed25519', x, d }, kid, algorithm, type },
  );
  return { ...manifest, signature };
}

export type Verdict = { kid: string } | { rejected: string };

/**
 * Returns the key that has signed the manifest, or why the signature is rejected. The manifest must be as it was
 * parsed, with unknown fields, because all of its fields are signed.
 */
export async function verifyManifest(
  { signature, ...unsigned }: Readonly<Record<string, unknown>>,
  keys: readonly PublicKey[],
): Promise<Verdict> {
  if (signature === undefined) return { rejected: 'the manifest is not signed' };
  const verdict = await verifyDetached(signature, unsigned, type, (kid) => {
    const jwk = keys.find((candidate) => candidate.kid === kid);
    return jwk && { jwk, algorithms: [algorithm] };
  });
  if (!('rejected' in verdict)) return verdict;
  const { rejected, kid } = verdict;
  switch (rejected) {
    case 'form':
      return { rejected: 'the signature is not a detached JWS' };
    case 'header':
      return {
        rejected: `the header of the signature is not {alg: ${algorithm}, typ: ${type}, kid}`,
      };
    case 'key':
      return {
        rejected: `the signature names the key ${kid}, which is not among the trusted keys`,
      };
    case 'content':
      return {
        rejected: `the key ${kid} has not signed this content: the manifest was changed, or another key signed it`,
      };
    case 'unreadable':
      return { rejected: 'the signature cannot be read' };
    default:
      return rejected satisfies never;
  }
}
