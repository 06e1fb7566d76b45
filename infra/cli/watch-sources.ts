/** Says when the code of the functions has changed on disk. */
import { type FSWatcher, readdirSync, watch } from 'node:fs';
import { join } from 'node:path';
import { REPO } from './home.ts';

const DIRECTORIES = ['lib', 'handlers', 'infra/offline', 'infra/caller-check'];
const CONFIGURATION = 'serverless.yml';
/** An editor that writes several files, or one in several steps, makes one change. */
const QUIET_MS = 200;

const isSource = (name: string): boolean => /\.(ts|json)$/.test(name) && !name.endsWith('.test.ts');

/**
 * Directory by directory: on Linux a recursive watch follows single files, and loses one that an editor replaces.
 * → ends it.
 */
export function watchSources(changed: () => void): () => void {
  const watchers = new Map<string, FSWatcher>();
  let quiet: NodeJS.Timeout | undefined;

  const add = (directory: string, counts: (name: string) => boolean): void => {
    if (watchers.has(directory)) return;
    const watcher = watch(directory, (_, name) => {
      // What appeared may be a directory, with files in it already.
      const grown = addAll();
      if (!grown && (name === null || !counts(name))) return;
      clearTimeout(quiet);
      quiet = setTimeout(changed, QUIET_MS);
    });
    watchers.set(directory, watcher);
    // It is gone; should it come back, it is a new one.
    watcher.on('error', () => {
      watcher.close();
      watchers.delete(directory);
    });
  };

  /** → whether there were new ones. */
  const addAll = (): boolean => {
    const before = watchers.size;
    const present = DIRECTORIES.flatMap((name) => withinDirectory(join(REPO, name)));
    for (const directory of watchers.keys()) {
      if (directory === REPO || present.includes(directory)) continue;
      watchers.get(directory)?.close();
      watchers.delete(directory);
    }
    for (const directory of present) add(directory, isSource);
    return watchers.size > before;
  };

  addAll();
  add(REPO, (name) => name === CONFIGURATION);
  return () => {
    clearTimeout(quiet);
    for (const watcher of watchers.values()) watcher.close();
  };
}

function withinDirectory(directory: string): string[] {
  try {
    const below = readdirSync(directory, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => join(entry.parentPath, entry.name));
    return [directory, ...below];
  } catch {
    return []; // it was removed meanwhile
  }
}
