/** npm run verify -- <file> <manifest> [--keys <URL or file>]: whether a file is what its signed manifest says. */
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { findRunningStack } from './found-stack.ts';
import { openHome } from './home.ts';
import { check } from './verify/check.ts';
import { Unusable } from './verify/errors.ts';
import { openFile, readKeys, readManifest } from './verify/inputs.ts';

const usage =
  'usage: npm run verify -- <file> <manifest> [--keys <URL or file of the public keys>]';

/** npm runs its scripts in the clone; what is named here is where it was called. */
const located = (path: string): string => resolve(process.env['INIT_CWD'] ?? '.', path);

interface Named {
  file: string;
  manifest: string;
  keys: string;
}

function readArguments(): Named {
  let parsed: { positionals: string[]; values: { keys?: string | undefined } };
  try {
    parsed = parseArgs({ allowPositionals: true, options: { keys: { type: 'string' } } });
  } catch {
    throw new Unusable(usage);
  }
  const [file, manifest, ...more] = parsed.positionals;
  if (file === undefined || manifest === undefined || more.length > 0) throw new Unusable(usage);
  const { keys } = parsed.values;
  return {
    file: located(file),
    manifest: located(manifest),
    keys: keys === undefined ? keysOfStack() : isUrl(keys) ? keys : located(keys),
  };
}

const isUrl = (text: string): boolean => /^https?:\/\//i.test(text);

/** Never an address out of the manifest: whoever forges one would name keys of his own. */
function keysOfStack(): string {
  const stack = findRunningStack(openHome(process.env));
  if (stack) return `${stack.url}/.well-known/jwks.json`;
  throw new Unusable(
    'No stack is running here whose keys could be asked for. Say by --keys where the public keys are: https://<your StreamSync>/.well-known/jwks.json, or a file with what is there.',
  );
}

/** → the exit code. */
async function verify({ file, manifest, keys }: Named): Promise<number> {
  const stated = await readManifest(manifest);
  const trusted = isUrl(keys) ? await readKeys(new URL(keys)) : await readKeys(keys);
  await using opened = await openFile(file);
  const findings = await check(opened, stated, trusted);
  for (const { name, holds, detail } of findings)
    console.log(`${holds ? 'ok     ' : 'DIFFERS'}  ${name.padEnd(9)}  ${detail}`);
  const differing = findings.filter(({ holds }) => !holds).map(({ name }) => name);
  console.log(
    differing.length === 0
      ? 'The file is what its manifest says, and the manifest is as it was signed.'
      : `Not proved: ${differing.join(', ')}. Fetch file and manifest again; if that does not help, do not use the file.`,
  );
  return differing.length === 0 ? 0 : 1;
}

try {
  process.exitCode = await verify(readArguments());
} catch (error) {
  if (!(error instanceof Unusable)) throw error;
  console.error(error.message);
  process.exitCode = 2;
}
