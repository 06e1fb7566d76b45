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
 * Replaces a file as a whole: a reader sees the old or the new one, never a part. Only its owner may read it, who is
 * the owner of its directory.
 */
export function replaceFile(path: string, content: string): void {
  const draft = `${path}.${process.pid}.new`;
  writeFileSync(draft, content, { mode: 0o600 });
  giveToOwnerOf(dirname(path), draft);
  renameSync(draft, path);
}

/** What root makes in somebody's directory is to be that person's. Nobody else can give anything away. */
export function giveToOwnerOf(directory: string, path: string): void {
  if (process.getuid?.() !== 0) return;
  const { uid, gid } = statSync(directory);
  chownSync(path, uid, gid);
}

/**
 * Makes a directory that takes several steps to fill, once: it gets its name when it is complete, so one whose
 * making was interrupted is made again.
 */
export async function createOnce(
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
