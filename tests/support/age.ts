import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Decrypter, generateX25519Identity, identityToRecipient } from 'age-encryption';
import { inheritedEnvironment } from '../../infra/local/environment.ts';
import { StackError } from '../../infra/local/errors.ts';
import { repoRoot } from '../../infra/local/home/home.ts';
import { findTools, firstCompatible, type Tool } from '../../infra/local/install/system-tools.ts';

/** The reference implementation. */
const ageTool: Tool = {
  what: 'age 1.1 or newer',
  apt: ['age'],
  brew: ['age'],
  find: (probe) =>
    firstCompatible(probe, ['age'], ['--version'], (answer) => /^v?1\.[1-9]/m.test(answer)),
};

/** Returns the path of the reference implementation of age, installed if possible; undefined: the reason is printed. */
export async function findAge(): Promise<string | undefined> {
  try {
    const tool = await findTools([ageTool], {
      environment: inheritedEnvironment(process.env),
      cwd: repoRoot,
      signal: AbortSignal.timeout(300_000),
      report: (text) => console.info(`age: ${text}`),
    });
    return tool(ageTool);
  } catch (error) {
    if (!(error instanceof StackError)) throw error;
    console.info(
      `the tests with the reference implementation of age are skipped: ${error.message}`,
    );
    return undefined;
  }
}

export interface AgeKey {
  identity: string;
  recipient: string;
}

export async function newAgeKey(): Promise<AgeKey> {
  const identity = await generateX25519Identity();
  return { identity, recipient: await identityToRecipient(identity) };
}

/** Returns the content of an age file. Throws if it was changed, or is for another key. */
export async function decryptWithLibrary(file: Buffer, { identity }: AgeKey): Promise<Buffer> {
  const decrypter = new Decrypter();
  decrypter.addIdentity(identity);
  return Buffer.from(await decrypter.decrypt(new Uint8Array(file)));
}

/** Returns the content of an age file by the reference implementation. Throws if it reports an error. */
export async function decryptWithAge(
  age: string,
  file: Buffer,
  { identity }: AgeKey,
): Promise<Buffer> {
  const directory = await mkdtemp(join(tmpdir(), 'streamsync-age-'));
  try {
    const key = join(directory, 'key.txt');
    await writeFile(key, `# a key of the tests\n${identity}\n`, { mode: 0o600 });
    return await new Promise((resolve, reject) => {
      const child = execFile(
        age,
        ['--decrypt', '--identity', key],
        { encoding: 'buffer', maxBuffer: 256 * 1_024 * 1_024, timeout: 60_000 },
        (error, stdout, stderr) =>
          error ? reject(new Error(stderr.toString() || error.message)) : resolve(stdout),
      );
      // It stops reading when it finds a fault; its exit code says so.
      child.stdin?.on('error', () => undefined).end(file);
    });
  } finally {
    await rm(directory, { recursive: true });
  }
}
