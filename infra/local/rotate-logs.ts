import { existsSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** A log that a service writes until it gets the signal to reopen it. */
export interface RotatedLog {
  name: string;
  /** A log with more bytes gets another name. */
  maxBytes: number;
  /** Rotated logs that are kept; older ones are deleted. */
  keep: number;
}

/**
 * Renames each log that is too large to `<name>.<time>`, and deletes the oldest rotated ones. Returns whether a log was
 * renamed: the service has to reopen its logs then.
 */
export function rotateLogs(directory: string, logs: readonly RotatedLog[], now: Date): boolean {
  let isRenamed = false;
  for (const { name, maxBytes, keep } of logs) {
    const path = join(directory, name);
    if (!existsSync(path) || statSync(path).size <= maxBytes) continue;
    renameSync(path, `${path}.${now.toISOString().replaceAll(/[:.]/g, '-')}`);
    isRenamed = true;
    const rotated = readdirSync(directory).filter((entry) => entry.startsWith(`${name}.`));
    for (const old of rotated.toSorted().slice(0, -keep)) rmSync(join(directory, old));
  }
  return isRenamed;
}
