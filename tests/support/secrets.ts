import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { home } from './stack.ts';

/** Returns the secrets of the stack under test, by name. The user who runs the tests owns the stack's home. */
export const readSecrets = async (): Promise<Record<string, string>> =>
  z
    .record(z.string(), z.string())
    .parse(JSON.parse(await readFile(join(home(), 'secrets.json'), 'utf8')));

/** Returns the header that the ports of the functions require. */
export async function ownCaller(): Promise<Record<string, string>> {
  const { doorSecret } = await readSecrets();
  if (doorSecret === undefined)
    throw new Error('the stack has no door secret; its secrets file lacks it');
  return { 'x-door-secret': doorSecret };
}
