/** A home is its owner's alone: what is in it, and as whom the parts run that write it. */
import { chmodSync, lchownSync, lstatSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { HOME_ENTRIES, type Home, REPO } from './home.ts';
import { PARTS } from './parts/install.ts';
import { type CommandSpec, type Owner, run } from './processes.ts';

/** Those have owners of their own, see parts/. */
const OWNED_BY_OTHERS = new Set<string>(['postgres', 'postgres.new', 'nginx']);
const OTHERS = 0o077;

/**
 * Takes from everybody else what a start with an earlier version let them read. A directory that holds other things as
 * well stays as it is; what is ours in it does not.
 */
export function closeHome({ path }: Home, owner: Owner | undefined): void {
  const ours = new Set<string>(HOME_ENTRIES);
  const entries = readdirSync(path);
  if (entries.every((name) => ours.has(name))) close(path, undefined);
  for (const name of entries.filter((entry) => ours.has(entry)))
    closeAll(join(path, name), OWNED_BY_OTHERS.has(name) ? undefined : owner);
}

function closeAll(path: string, owner: Owner | undefined): void {
  close(path, owner);
  if (!lstatSync(path).isDirectory()) return;
  for (const entry of readdirSync(path, { recursive: true, withFileTypes: true }))
    close(join(entry.parentPath, entry.name), owner);
}

function close(path: string, owner: Owner | undefined): void {
  const { mode, uid } = lstatSync(path);
  if (owner && uid !== owner.uid) lchownSync(path, owner.uid, owner.gid);
  // A link has no rights of its own.
  if ((mode & OTHERS) !== 0 && !lstatSync(path).isSymbolicLink()) chmodSync(path, mode & ~OTHERS);
}

/**
 * As whom Kafka, LocalStack and the functions run when root starts them: the owner of the home. Undefined: as who
 * starts them, which is root only where the home is root's.
 */
export function ownerOfParts({ path }: Home): Owner | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const { uid, gid } = statSync(path);
  return uid === 0 ? undefined : { uid, gid };
}

/**
 * Returns the owner if that user may enter the clone, read its parts and run this program; undefined otherwise, for
 * each of the three may lie in a closed directory.
 */
export async function ownerWhoMayRun(
  owner: Owner | undefined,
  program: string,
  { env, signal }: Pick<CommandSpec, 'env' | 'signal'>,
): Promise<Owner | undefined> {
  if (owner === undefined) return undefined;
  try {
    await run({
      what: `looking whether the owner of the home may run ${program}`,
      command: '/bin/sh',
      args: [
        '-c',
        'cd "$0" && test -r package.json && cd "$1" && test -r . && command -v "$2"',
        REPO,
        PARTS,
        program,
      ],
      env,
      cwd: '/',
      seconds: 60,
      signal,
      owner,
    });
    return owner;
  } catch {
    signal.throwIfAborted();
    return undefined;
  }
}
