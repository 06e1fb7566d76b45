import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, test } from '@jest/globals';
import { z } from 'zod';
import { repoRoot } from '../../infra/local/home/home.ts';
import { produce } from '../support/events.ts';
import { OfflineService } from '../support/offline-service.ts';
import { stack } from '../support/stack.ts';
import { createTopic, deleteTopics } from '../support/topic.ts';

const run = promisify(execFile);
const packageDirectory = join(repoRoot, 'infra/offline');
const modules = join(repoRoot, 'node_modules');

const npm = (cwd: string, ...args: string[]): Promise<unknown> =>
  run('npm', args, { cwd, timeout: 300_000 });

/** Makes packages of this repository those of a project. */
async function link(project: string, names: readonly string[]): Promise<void> {
  await mkdir(join(project, 'node_modules'), { recursive: true });
  for (const name of names) await symlink(join(modules, name), join(project, 'node_modules', name));
}

const manifestSchema = z.object({
  dependencies: z.record(z.string(), z.string()),
  peerDependencies: z.record(z.string(), z.string()),
  peerDependenciesMeta: z.record(z.string(), z.object({ optional: z.literal(true) })),
});

describe('the package of infra/offline', () => {
  let directory: string;

  /** Installs the packed package into a copy of the example. npm finds its dependencies there, without a network. */
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'streamsync-kafka-source-'));
    await npm(packageDirectory, 'pack', '--silent', '--pack-destination', directory);
    const tarball = (await readdir(directory)).find((name) => name.endsWith('.tgz')) ?? '';
    const project = join(directory, 'project');
    await cp(join(packageDirectory, 'example'), project, { recursive: true });
    await writeFile(join(project, 'package.json'), '{ "private": true, "type": "module" }');
    const { dependencies, peerDependencies, peerDependenciesMeta } = manifestSchema.parse(
      JSON.parse(await readFile(join(packageDirectory, 'package.json'), 'utf8')),
    );
    await link(project, Object.keys(dependencies));
    await npm(
      project,
      'install',
      '--offline',
      '--ignore-scripts',
      '--no-audit',
      '--no-fund',
      '--no-package-lock',
      '--legacy-peer-deps',
      join(directory, tarball),
    );
    const peers = Object.keys(peerDependencies);
    await link(
      project,
      peers.filter((name) => !(name in peerDependenciesMeta)),
    );
  });
  afterAll(async () => {
    await rm(directory, { recursive: true, force: true });
    await rm(join(packageDirectory, 'dist'), { recursive: true, force: true });
  });

  test('receives a record in a project that has only the package', async () => {
    const topic = await createTopic(1);
    await using service = await OfflineService.start(join(directory, 'project'), {
      KAFKA_BROKERS: stack.kafka.brokers.join(','),
      TOPIC: topic,
    });
    await produce(topic, [{ value: 'first order' }]);
    const line = JSON.stringify({ topic, partition: 0, offset: 0, text: 'first order' });
    await service.waitFor(
      'the record is received',
      () => service.output.includes(line) || undefined,
    );
    await deleteTopics([topic]);
  });

  test('has types that TypeScript accepts', async () => {
    const project = join(directory, 'project');
    const log = '{ info() {}, notice() {}, warning() {}, error() {} }';
    await writeFile(
      join(project, 'types.ts'),
      `import Plugin from 'serverless-offline-kafka-source';
       const plugin = new Plugin({ service: {}, serviceDir: '.' }, {}, { log: ${log} });
       const start: Promise<void> | undefined = plugin.hooks['offline:start:init']?.();
       await start;`,
    );
    const options = ['--noEmit', '--strict', '--target', 'es2024', '--module', 'nodenext'];
    const compiler = join(modules, '@typescript/native/bin/tsc');
    await run(process.execPath, [compiler, ...options, '--types', '', 'types.ts'], {
      cwd: project,
      timeout: 300_000,
    });
  });
});
