/** signing-keys.json: the JWK Set of the keys that sign the manifests of a stack, as the functions are told it. */
import { generateKeyPairSync } from 'node:crypto';
import { existsSync } from 'node:fs';
import { calculateJwkThumbprint } from 'jose';
import { replaceFile } from './files.ts';
import type { Home } from './home.ts';

/** Made once: what was signed before a restart should be verified after it. Further keys are added by hand. */
export async function makeSigningKeys({ signingKeysFile }: Home): Promise<void> {
  if (existsSync(signingKeysFile)) return;
  const key = generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' });
  const kid = await calculateJwkThumbprint(key);
  replaceFile(signingKeysFile, `${JSON.stringify({ keys: [{ kid, ...key }] }, null, 2)}\n`);
}
