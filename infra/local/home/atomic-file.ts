import {
  chownSync,
  existsSync,
  mkdirSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname } from 'node:path';

/**
 * Replaces a file atomically: a reader sees the old or the new content. The file belongs to the owner of its directory,
 * and only that user may read it.
 */
export function writeFileAtomic(path: string, content: string): void {
  const draft = `${path}.${process.pid}.new`;
  writeFileSync(draft, content, { mode: 0o600 });
  giveToOwnerOf(dirname(path), draft);
  renameSync(draft, path);
}

/** Gives a file that root created to the owner of the directory. Other users cannot change owners. */
export function giveToOwnerOf(directory: string, path: string): void {
  if (process.getuid?.() !== 0) return;
  const { uid, gid } = statSync(directory);
  chownSync(path, uid, gid);
}

/**
 * Creates and fills a directory unless it exists. It gets its name when it is complete, so an interrupted creation
 * starts again. Returns whether it was created.
 */
export async function createDirectoryAtomic(
  directory: string,
  fill: (draft: string) => Promise<void>,
): Promise<boolean> {
  if (existsSync(directory)) return false;
  const draft = `${directory}.new`;
  rmSync(draft, { recursive: true, force: true });
  mkdirSync(draft, { recursive: true, mode: 0o700 });
  giveToOwnerOf(dirname(directory), draft);
  await fill(draft);
  renameSync(draft, directory);
  return true;
}
