import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, isAbsolute, join, relative } from 'node:path';
import { buffer } from 'node:stream/consumers';
import yazl from 'yazl';
import { pathsIn, readPipelines } from '../../lib/ingest/pipelines/load.ts';
import { isCertificates } from '../../lib/runtime/certificates.ts';
import { errorMessage } from '../../lib/runtime/errors.ts';
import { type Bundle, bundleHandlers } from './bundle.ts';
import type { Handlers } from './functions.ts';

export interface Artifact {
  /** Name of the function. */
  name: string;
  path: string;
  /** Of the files in it. */
  bytes: number;
  zippedBytes: number;
  /** The paths of the sources that are bundled in it, relative to the root. */
  inputs: readonly string[];
}

export interface ArtifactOptions {
  /** The directory of the service, to which the handlers are relative. */
  root: string;
  /** Where the artifacts are written. */
  directory: string;
  /** Paths of pipelines as in `STREAMSYNC_PIPELINES`. */
  pipelines: string;
  /** The path of the certificates of the authority of PostgreSQL; empty: none. */
  databaseCa: string;
}

/** The name of these certificates in each artifact, whose directory is the working directory of a function. */
const databaseCaName = 'database-ca.pem';

/** Lambda allows 250 MB. A larger bundle is a mistake, and makes each start of the function slower. */
const maxBytes = 5_000_000;

/** Runs the migrations that are next to it: a bundle with this module needs them. */
const migrationsModule = 'infra/postgres/migrate.ts';
const migrationDirectories = ['migrations', 'readings'];
/** Reads the files of pipelines when a function starts: functions with this module need them. */
const pipelinesModule = 'lib/ingest/pipelines/load.ts';

/**
 * Writes `<name>.zip` of each function to a directory, which is emptied before. An artifact has the bundle of the handler,
 * those of its worker threads and, if it needs them, the certificates of PostgreSQL's
 * authority, the files of pipelines or the migrations: nothing else of the working
 * directory. The same
 * sources make the same bytes, so that a deployment leaves functions alone that did not change.
 *
 * Throws if the bundle of a function is too large, or a pipeline or the file of certificates is wrong.
 *
 */
export async function makeArtifacts(
  handlers: Handlers,
  { root, directory, pipelines, databaseCa }: ArtifactOptions,
): Promise<Artifact[]> {
  const bundles = await bundleHandlers(Object.values(handlers), root);
  const further = {
    always: databaseCa === '' ? noFiles : await readCertificates(join(root, databaseCa)),
    pipelines: await readPipelineFiles(pipelines, root),
    migrations: [...bundles.values()].some(({ inputs }) => inputs.includes(migrationsModule))
      ? await readMigrations(root)
      : noFiles,
  };
  await rm(directory, { recursive: true, force: true });
  await mkdir(directory, { recursive: true });
  const artifacts: Artifact[] = [];
  for (const [name, handler] of Object.entries(handlers)) {
    const bundle = bundles.get(handler);
    if (!bundle) throw new Error(`${name}: no bundle of ${handler}`);
    const files = filesOf(bundle, further);
    const bytes = [...files.values()].reduce((sum, { length }) => sum + length, 0);
    if (bytes > maxBytes)
      throw new Error(`${name}: its files have ${bytes} bytes; the limit is ${maxBytes}`);
    const zip = await zipped(files);
    const path = join(directory, `${name}.zip`);
    await writeFile(path, zip);
    artifacts.push({ name, path, bytes, zippedBytes: zip.length, inputs: bundle.inputs });
  }
  return artifacts;
}

type Files = ReadonlyMap<string, Uint8Array>;

const noFiles: Files = new Map();

interface FurtherFiles {
  always: Files;
  pipelines: Files;
  migrations: Files;
}

const filesOf = (
  { files, inputs }: Bundle,
  { always, pipelines, migrations }: FurtherFiles,
): Files =>
  new Map([
    ...files,
    ...always,
    ...(inputs.includes(pipelinesModule) ? pipelines : []),
    ...(inputs.includes(migrationsModule)
      ? [...migrations].map(([name, bytes]): [string, Uint8Array] => [
          join(dirname([...files.keys()][0] ?? ''), name),
          bytes,
        ])
      : []),
  ]);

/** Returns the migrations by their names relative to the module that runs them, where a bundle looks for them, too. */
async function readMigrations(root: string): Promise<Files> {
  const directory = join(root, dirname(migrationsModule));
  const files = new Map<string, Uint8Array>();
  for (const store of migrationDirectories)
    for (const file of (await readdir(join(directory, store))).toSorted())
      files.set(join(store, file), await readFile(join(directory, store, file)));
  return files;
}

async function readCertificates(path: string): Promise<Files> {
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw new Error(`databaseCa of the deploy file: ${errorMessage(cause)}`, { cause });
  });
  if (!isCertificates(text))
    throw new Error(`databaseCa of the deploy file: ${path} has no certificates as PEM`);
  return new Map([[databaseCaName, Buffer.from(text)]]);
}

/** Returns the files of pipelines by the names that a function reads them by. */
async function readPipelineFiles(pipelines: string, root: string): Promise<Files> {
  const paths = pathsIn(pipelines);
  const outside = paths.filter((path) => isAbsolute(path) || path.split(/[\\/]/).includes('..'));
  if (outside.length > 0)
    throw new Error(
      `STREAMSYNC_PIPELINES: ${outside.join(', ')}: a deployment needs a path relative to ${root}`,
    );
  const files = new Map<string, Uint8Array>();
  for (const { file } of readPipelines(paths.map((path) => join(root, path))))
    files.set(relative(root, file), await readFile(file));
  return files;
}

async function zipped(files: Files): Promise<Buffer> {
  const zip = new yazl.ZipFile();
  for (const [name, bytes] of files)
    zip.addBuffer(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length), name, {
      mtime: new Date('2000-01-01T00:00:00Z'),
      mode: 0o100644,
    });
  zip.end();
  return buffer(zip.outputStream);
}
