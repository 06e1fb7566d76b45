import type { Manifest } from '../contracts/export-document.ts';
import type { PublicKey } from '../contracts/key-set.ts';
import type { SigningKey } from '../runtime/signing-keys.ts';
import { signDetached, verifyDetached } from './detached-jws.ts';

/**
 * The signature of a manifest: a detached JWS over the manifest without `signature`. The algorithm has the name of
 * RFC 9864; `EdDSA`, which says not which curve, is deprecated there.
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
  const verdict = await verifyDetached(signature, unsigned, type, (kid) => {
    const jwk = keys.find((candidate) => candidate.kid === kid);
    return jwk && { jwk, algorithms: [algorithm] };
  });
  if (!('refused' in verdict)) return verdict;
  const { refused, kid } = verdict;
  switch (refused) {
    case 'form':
      return { refused: 'the signature is not a detached JWS' };
    case 'header':
      return {
        refused: `the header of the signature is not {alg: ${algorithm}, typ: ${type}, kid}`,
      };
    case 'key':
      return { refused: `the key ${kid}, which is said to have signed, is not among these` };
    case 'content':
      return { refused: `the key ${kid} has not signed this: the manifest is not as it was made` };
    case 'unreadable':
      return { refused: 'the signature cannot be read' };
    default:
      return refused satisfies never;
  }
}
