import type { KeySet } from '../../lib/contracts/key-set.ts';
import { callAnonymously, json } from '../api/client.ts';
import { sha256Of } from './hash-file.ts';
import { type ReadManifest, readManifest, type Verdict, verifyManifest } from './manifest.ts';

/** What a comparison of a file with a manifest has found. */
export interface Findings {
  manifest: ReadManifest;
  verdict: Verdict;
  name: string;
  bytes: number;
  sha256: string;
}

/** The manifest cannot be read as one. */
export class NoManifestError extends Error {}

const maxManifestBytes = 16 * 2 ** 20;

/**
 * Compares a file with a manifest, without sending either. Throws `NoManifestError`, what the call for the public keys
 * throws, or why the file cannot be read.
 */
export async function verifyFiles(
  { file, manifest }: { file: File; manifest: File },
  onProgress: (bytes: number) => void,
  signal: AbortSignal,
): Promise<Findings> {
  const read = manifest.size > maxManifestBytes ? undefined : readManifest(await manifest.text());
  if (read === undefined) throw new NoManifestError();
  const keys = await json<KeySet>(await callAnonymously('/.well-known/jwks.json', { signal }));
  return {
    manifest: read,
    verdict: await verifyManifest(read, keys),
    name: file.name,
    bytes: file.size,
    sha256: await sha256Of(file, onProgress, signal),
  };
}
