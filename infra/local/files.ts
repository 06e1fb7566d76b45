import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';

/** Replaces a file as a whole: a reader sees the old or the new one, never a part. Only its owner may read it. */
export function replaceFile(path: string, content: string): void {
  const draft = `${path}.${process.pid}.new`;
  writeFileSync(draft, content, { mode: 0o600 });
  renameSync(draft, path);
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
  mkdirSync(draft, { recursive: true });
  await fill(draft);
  renameSync(draft, directory);
  return true;
}
