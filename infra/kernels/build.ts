import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import asc from 'assemblyscript/asc';

/**
 * `npm run kernels`: compiles the kernels from AssemblyScript to WebAssembly (lib/kernels/assembly/*.ts), each into a
 * module of TypeScript that holds it in base64 (lib/kernels/built). Those are committed, so that an installation compiles
 * nothing; Node and the bundles of Lambda load them as any other module, on every processor.
 *
 * With `--check` it writes nothing, and fails if the committed modules are not what their sources compile to.
 */
const kernels = ['csv', 'json', 'parquet', 'xlsx'];
const sources = 'lib/kernels/assembly';
const built = 'lib/kernels/built';

const options = [
  '-O3',
  '--noAssert',
  // Without an allocator: the caller lays out the memory, which is that of the socket.
  '--runtime',
  'stub',
  '--importMemory',
  '--noExportMemory',
  '--enable',
  'simd,bulk-memory',
];

/** Returns the TypeScript module of a kernel. Throws what the compiler reports. */
async function compile(name: string): Promise<string> {
  let wasm: Uint8Array | undefined;
  let messages = '';
  const stderr = {
    write: (text: string | Uint8Array): void => {
      messages += Buffer.from(text).toString();
    },
  };
  const { error } = await asc.main([`${name}.ts`, '--outFile', `${name}.wasm`, ...options], {
    readFile: (file, directory) =>
      readFile(join(sources, directory, file), 'utf8').catch(() => null),
    writeFile: (_, contents) => {
      if (typeof contents !== 'string') wasm = contents;
    },
    listFiles: () => [],
    stderr,
  });
  if (error || !wasm) throw new Error(`${name}: ${messages}`, { cause: error });
  return (
    `// Built by \`npm run kernels\` from lib/kernels/assembly/${name}.ts.\n` +
    `export const wasm =\n  '${Buffer.from(wasm).toString('base64')}';\n`
  );
}

const isCheck = process.argv.includes('--check');
await mkdir(built, { recursive: true });
for (const name of kernels) {
  const file = join(built, `${name}.ts`);
  const module = await compile(name);
  const committed = await readFile(file, 'utf8').catch(() => '');
  if (module === committed) continue;
  if (isCheck) {
    console.error(`${file} is not what its source compiles to: npm run kernels`);
    process.exitCode = 1;
  } else await writeFile(file, module);
}
