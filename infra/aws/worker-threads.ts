import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import type { Plugin } from 'esbuild';

/** `new URL('./encoder-thread.ts', import.meta.url)`, as the code that starts a worker thread has it. */
const threadUrl = /new URL\('\.\/([\w-]+)\.ts', import\.meta\.url\)/g;
/** What else refers to files at run time. A bundler does not follow it. */
const otherReference = /\bimport\.meta\b|\bcreateRequire\b/;

/**
 * Returns a plugin of esbuild, and `threads`, which a build fills: the sources of the worker threads that a module
 * starts, by the path of the module. In its bundle the module starts the bundle of the thread, which has to be in the
 * same directory. The build fails if a module of `lib` or `handlers` refers to a file in another way.
 */
export function workerThreads(): { plugin: Plugin; threads: Map<string, string[]> } {
  const threads = new Map<string, string[]>();
  const plugin: Plugin = {
    name: 'worker-threads',
    setup: (build) => {
      build.onLoad({ filter: /[\\/](lib|handlers)[\\/].*\.ts$/ }, async ({ path }) => {
        const source = await readFile(path, 'utf8');
        if (otherReference.test(source.replace(threadUrl, '')))
          return { errors: [{ text: `${path} refers to a file that its bundle would not have` }] };
        const names = [...source.matchAll(threadUrl)].flatMap(([, name]) => name ?? []);
        if (names.length === 0) return { contents: source, loader: 'ts' };
        threads.set(
          path,
          names.map((name) => resolve(dirname(path), `${name}.ts`)),
        );
        return {
          contents: source.replace(threadUrl, "new URL('./$1.mjs', import.meta.url)"),
          loader: 'ts',
        };
      });
    },
  };
  return { plugin, threads };
}
