import { resolve } from 'node:path';
import type { Plugin } from 'esbuild';

/**
 * A plugin of esbuild that puts a module in front of each entry point: it waits for the secret of the deployment, then has
 * the exports of the entry point. Lambda waits for it in the start of a function; if the secret cannot be read, the start
 * fails, and Lambda repeats it at the next event.
 */
export const secretFirst: Plugin = {
  name: 'secret-first',
  setup: (build) => {
    const root = build.initialOptions.absWorkingDir ?? process.cwd();
    build.onResolve({ filter: /./ }, ({ kind, path }) =>
      kind === 'entry-point' ? { path: resolve(root, path), namespace: 'secret-first' } : null,
    );
    build.onLoad({ filter: /./, namespace: 'secret-first' }, ({ path }) => ({
      contents: `
        import { loadSecret } from './lib/runtime/secret.ts';
        await loadSecret();
        export * from ${JSON.stringify(path)};`,
      resolveDir: root,
    }));
  },
};
