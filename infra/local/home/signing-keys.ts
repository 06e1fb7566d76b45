/** signing-keys.json: the JWK Set of the keys that sign the manifests of a stack, as the functions read it. */
import { generateKeyPairSync } from 'node:crypto';
import { existsSync } from 'node:fs';
import { calculateJwkThumbprint } from 'jose';
import { writeFileAtomic } from './atomic-file.ts';
import type { Home } from './home.ts';

/** Created once: manifests signed before a restart stay verifiable. Further keys are added by hand. */
export async function createSigningKeys({ signingKeysFile }: Home): Promise<void> {
  if (existsSync(signingKeysFile)) return;
  const key = generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' });
  const kid = await calculateJwkThumbprint(key);
  writeFileAtomic(signingKeysFile, `${JSON.stringify({ keys: [{ kid, ...key }] }, null, 2)}\n`);
}
