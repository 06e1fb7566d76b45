/** Watches the code of the functions for changes on disk. */
import { type FSWatcher, readdirSync, watch } from 'node:fs';
import { join } from 'node:path';
import { repoRoot } from '../local/home/home.ts';

const watchedDirectories = ['lib', 'handlers', 'infra/offline', 'infra/caller-check'];
const configurationFile = 'serverless.yml';
/** Events within 200 ms are one change: editors write several files, or one file in several steps. */
const quietMs = 200;

const isSource = (name: string): boolean => /\.(ts|json)$/.test(name) && !name.endsWith('.test.ts');

/**
 * Calls `onChange` after every change; returns a function that stops watching. Each directory has its own watcher: on
 * Linux a recursive watch follows single files, and loses a file that an editor replaces.
 */
export function watchSources(onChange: () => void): () => void {
  const watchers = new Map<string, FSWatcher>();
  let quiet: NodeJS.Timeout | undefined;

  const add = (directory: string, isWatched: (name: string) => boolean): void => {
    if (watchers.has(directory)) return;
    const watcher = watch(directory, (_, name) => {
      // A new entry may be a directory that already has files.
      const hasNewDirectories = addAll();
      if (!hasNewDirectories && (name === null || !isWatched(name))) return;
      clearTimeout(quiet);
      quiet = setTimeout(onChange, quietMs);
    });
    watchers.set(directory, watcher);
    // The directory was removed. If it is created again, it gets a new watcher.
    watcher.on('error', () => {
      watcher.close();
      watchers.delete(directory);
    });
  };

  /** Watches directories that are new, and returns whether there were any. */
  const addAll = (): boolean => {
    const before = watchers.size;
    const present = watchedDirectories.flatMap((name) => withinDirectory(join(repoRoot, name)));
    for (const directory of watchers.keys()) {
      if (directory === repoRoot || present.includes(directory)) continue;
      watchers.get(directory)?.close();
      watchers.delete(directory);
    }
    for (const directory of present) add(directory, isSource);
    return watchers.size > before;
  };

  addAll();
  add(repoRoot, (name) => name === configurationFile);
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
    return []; // the directory was removed meanwhile
  }
}
