import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Plugin } from 'esbuild';
import { z } from 'zod';

const packageSchema = z.object({ version: z.string() });

/**
 * A plugin of esbuild: of our package.json, which lib/runtime/version.ts imports, a bundle has the version alone. With all
 * of it, each new script or development dependency would change all artifacts.
 */
export const packageVersion: Plugin = {
  name: 'package-version',
  setup: (build) => {
    const root = build.initialOptions.absWorkingDir ?? process.cwd();
    build.onLoad({ filter: /[\\/]package\.json$/ }, async ({ path }) => {
      if (path !== join(root, 'package.json')) return undefined;
      const { version } = packageSchema.parse(JSON.parse(await readFile(path, 'utf8')));
      return { contents: JSON.stringify({ version }), loader: 'json' };
    });
  },
};
