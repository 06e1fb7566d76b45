import { basename, dirname, join, relative, resolve } from 'node:path';
import { type BuildOptions, build, type Plugin } from 'esbuild';
import { modulePathOf } from './functions.ts';
import { packageVersion } from './package-version.ts';
import { secretFirst } from './secret-first.ts';
import { workerThreads } from './worker-threads.ts';

export interface Bundle {
  /** By their names in the artifact: the bundle of the handler, and those of its worker threads. */
  files: ReadonlyMap<string, Uint8Array>;
  /** The paths of the sources of the handler and of its worker threads, relative to the root. */
  inputs: readonly string[];
}

/** Optional packages that pg tries to load. They are not installed here. */
const absentPackages = ['pg-native'];

/** Packages in CommonJS call `require` for the modules of Node, which a module of ECMAScript does not have. */
const requireForPackages =
  "import { createRequire as requireFrom } from 'node:module'; const require = requireFrom(import.meta.url);";

const options = {
  bundle: true,
  platform: 'node',
  target: 'node24',
  format: 'esm',
  outdir: 'dist',
  outExtension: { '.js': '.mjs' },
  external: absentPackages,
  banner: { js: requireForPackages },
  // Names stay as they are: stack traces in the log name our functions without a source map.
  minifyWhitespace: true,
  minifySyntax: true,
  charset: 'utf8',
  // What fails is in the error.
  logLevel: 'silent',
} satisfies BuildOptions;

/**
 * Bundles each handler with all the code that it uses, as Lambda loads it: `handlers/http/get-me.handler` is the export
 * `handler` of `handlers/http/get-me.mjs`.
 *
 * @param root directory of the service, to which the handlers are relative
 */
export async function bundleHandlers(
  handlers: readonly string[],
  root: string,
): Promise<ReadonlyMap<string, Bundle>> {
  const { plugin, threads } = workerThreads();
  const modules = await bundleModules(
    handlers.map((handler) => `${modulePathOf(handler)}.ts`),
    root,
    [secretFirst, plugin, packageVersion],
  );
  const threadSources = [...new Set([...threads.values()].flat())];
  const threadModules = await bundleModules(
    threadSources.map((source) => relative(root, source)),
    root,
    [plugin, packageVersion],
  );
  return new Map(
    handlers.map((handler) => {
      const { code, inputs } = modules.get(`${modulePathOf(handler)}.mjs`) ?? missing(handler);
      const files = new Map([[`${modulePathOf(handler)}.mjs`, code]]);
      const allInputs = [...inputs];
      for (const thread of inputs.flatMap((input) => threads.get(resolve(root, input)) ?? [])) {
        const name = relative(root, thread).replace(/\.ts$/, '.mjs');
        const module = threadModules.get(name) ?? missing(name);
        files.set(join(dirname(handler), basename(name)), module.code);
        allInputs.push(...module.inputs);
      }
      return [handler, { files, inputs: allInputs }];
    }),
  );
}

interface BundledModule {
  code: Uint8Array;
  /** The paths of the sources, relative to the root. */
  inputs: readonly string[];
}

async function bundleModules(
  sources: readonly string[],
  root: string,
  plugins: Plugin[],
): Promise<ReadonlyMap<string, BundledModule>> {
  const { outputFiles, metafile, warnings } = await build({
    ...options,
    write: false,
    metafile: true,
    entryPoints: sources.map((source) => ({ in: source, out: source.replace(/\.ts$/, '') })),
    absWorkingDir: root,
    outbase: root,
    plugins,
  });
  if (warnings.length > 0) throw new Error(warnings.map(({ text }) => text).join('\n'));
  return new Map(
    outputFiles.map(({ path, contents }) => {
      const output = relative(root, path);
      return [
        relative(options.outdir, output),
        { code: contents, inputs: Object.keys(metafile.outputs[output]?.inputs ?? {}) },
      ];
    }),
  );
}

function missing(name: string): never {
  throw new Error(`esbuild made no bundle of ${name}`);
}
