/**
 * npm run verify -- <file> <manifest> [--keys <URL or file>] [--identity <file>]: checks a file against its signed
 * manifest, and with an identity also what an encrypted file contains.
 */
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { check, type VerifyFinding } from '../../lib/verify/check.ts';
import { VerifyInputError } from '../../lib/verify/errors.ts';
import { openFile, readIdentities, readKeys, readManifest } from '../../lib/verify/inputs.ts';
import { openHome } from '../local/home/home.ts';
import { findRunningStack } from '../local/home/running-stack.ts';

const usage =
  'usage: npm run verify -- <file> <manifest> [--keys <URL or file of the public keys>] [--identity <file with the age identity>]';

/** Paths are relative to where the user called npm, which runs its scripts in the clone. */
const resolveFromCaller = (path: string): string => resolve(process.env.INIT_CWD ?? '.', path);

interface VerifyArguments {
  file: string;
  manifest: string;
  keys: string;
  /** The file with identities; null: encrypted contents are not checked. */
  identity: string | null;
}

const options = { keys: { type: 'string' }, identity: { type: 'string' } } as const;

const parseArguments = () => parseArgs({ allowPositionals: true, options });

function readArguments(): VerifyArguments {
  let parsed: ReturnType<typeof parseArguments>;
  try {
    parsed = parseArguments();
  } catch {
    throw new VerifyInputError(usage);
  }
  const [file, manifest, ...more] = parsed.positionals;
  if (file === undefined || manifest === undefined || more.length > 0)
    throw new VerifyInputError(usage);
  const { keys, identity } = parsed.values;
  return {
    file: resolveFromCaller(file),
    manifest: resolveFromCaller(manifest),
    keys: keys === undefined ? keysOfStack() : isUrl(keys) ? keys : resolveFromCaller(keys),
    identity: identity === undefined ? null : resolveFromCaller(identity),
  };
}

const isUrl = (text: string): boolean => /^https?:\/\//i.test(text);

/** The address never comes from the manifest: a forger of a manifest would name their own keys. */
function keysOfStack(): string {
  const stack = findRunningStack(openHome(process.env));
  if (stack) return `${stack.url}/.well-known/jwks.json`;
  throw new VerifyInputError(
    'No stack is running here, so its public keys are not available. Name them with --keys: https://<your StreamSync>/.well-known/jwks.json, or a file with its content.',
  );
}

const verdictOn = ({ matches }: VerifyFinding): string =>
  matches === null ? 'skipped' : matches ? 'ok     ' : 'DIFFERS';

/** Returns the exit code. */
async function verify({ file, manifest, keys, identity }: VerifyArguments): Promise<number> {
  const expected = await readManifest(manifest);
  const trusted = isUrl(keys) ? await readKeys(new URL(keys)) : await readKeys(keys);
  const decrypter = identity === null ? null : await readIdentities(identity);
  await using opened = await openFile(file);
  const findings = await check(opened, expected, trusted, decrypter);
  for (const finding of findings)
    console.log(`${verdictOn(finding)}  ${finding.name.padEnd(9)}  ${finding.detail}`);
  const differing = findings.filter(({ matches }) => matches === false).map(({ name }) => name);
  const unread = findings.some(({ matches }) => matches === null)
    ? ' Its contents are encrypted and were not read.'
    : '';
  console.log(
    differing.length === 0
      ? `Verified: the file matches its manifest, and the signature of the manifest is correct.${unread}`
      : `Verification failed: ${differing.join(', ')}. Download the file and the manifest again. If it fails again, do not use the file.`,
  );
  return differing.length === 0 ? 0 : 1;
}

try {
  process.exitCode = await verify(readArguments());
} catch (error) {
  if (!(error instanceof VerifyInputError)) throw error;
  console.error(error.message);
  process.exitCode = 2;
}
