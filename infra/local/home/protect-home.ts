/** Only its owner may read a home: sets the rights of its files and chooses the user of the services that write them. */
import { chmodSync, lchownSync, lstatSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { toolCache } from '../install/tool-cache.ts';
import { type CommandSpec, type Owner, run } from '../processes.ts';
import { type Home, homeEntries, repoRoot } from './home.ts';

/** Entries with other owners, see services/. */
const ownedByOthers = new Set<string>(['postgres', 'postgres.new', 'nginx']);
const othersMode = 0o077;

/**
 * Removes the rights of other users, which earlier versions granted, from our entries; from the directory itself only
 * if it has no other entries.
 */
export function closeHome({ path }: Home, owner: Owner | undefined): void {
  const ours = new Set<string>(homeEntries);
  const entries = readdirSync(path);
  if (entries.every((name) => ours.has(name))) close(path, undefined);
  for (const name of entries.filter((entry) => ours.has(entry)))
    closeAll(join(path, name), ownedByOthers.has(name) ? undefined : owner);
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
  // chmod on a symbolic link would change its target.
  if ((mode & othersMode) !== 0 && !lstatSync(path).isSymbolicLink())
    chmodSync(path, mode & ~othersMode);
}

/**
 * Returns the user of Kafka, LocalStack and the functions if root starts the stack: the owner of the home. Undefined if
 * they run as the user who starts the stack: the user is not root, or the home is root's.
 */
export function ownerOfServices({ path }: Home): Owner | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const { uid, gid } = statSync(path);
  return uid === 0 ? undefined : { uid, gid };
}

/**
 * Returns the owner if that user may enter the clone, read its tools and run this program; else undefined: each of the
 * three may be in a directory that the user may not enter.
 */
export async function ownerWhoMayRun(
  owner: Owner | undefined,
  program: string,
  { env, signal }: Pick<CommandSpec, 'env' | 'signal'>,
): Promise<Owner | undefined> {
  if (owner === undefined) return undefined;
  try {
    await run({
      what: `checking whether the owner of the home may run ${program}`,
      command: '/bin/sh',
      args: [
        '-c',
        'cd "$0" && test -r package.json && cd "$1" && test -r . && command -v "$2"',
        repoRoot,
        toolCache,
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
