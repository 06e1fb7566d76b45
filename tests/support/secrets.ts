import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { home } from './stack.ts';

/** The secrets of the stack under test, by name: its home belongs to whoever runs the tests. */
export const readSecrets = async (): Promise<Record<string, string>> =>
  z
    .record(z.string(), z.string())
    .parse(JSON.parse(await readFile(join(home(), 'secrets.json'), 'utf8')));

/** What the functions' ports want to see. */
export async function ownCaller(): Promise<Record<string, string>> {
  const { doorSecret } = await readSecrets();
  if (doorSecret === undefined) throw new Error('the stack has no secret for its callers');
  return { 'x-door-secret': doorSecret };
}
