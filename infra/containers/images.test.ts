/** The Dockerfiles and what their builds may see. They need no container engine. */
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, describe, expect, test } from '@jest/globals';
import { z } from 'zod';
import { buildContext } from '../../tests/support/build-context.ts';
import { copiesOf, readDockerfile, valuesOf } from '../../tests/support/dockerfile.ts';
import { imageDirectory } from '../../tests/support/image.ts';
import { readHandlers } from '../aws/functions.ts';

const contexts = ['.', 'infra/localstack'] as const;
const images = contexts.map((context) => ({
  context,
  stages: readDockerfile(join(context, 'Dockerfile')),
  files: buildContext(context),
}));
const stages = images.flatMap((image) => image.stages);
const ours = readDockerfile('Dockerfile');
const files = buildContext('.');

const temporary: string[] = [];
afterAll(() => {
  for (const directory of temporary) rmSync(directory, { recursive: true });
});

describe('the build context', () => {
  test('has the code of the functions, and of all that runs next to them', () => {
    const handlers = Object.values(readHandlers('.')).map((it) => it.replace(/\.handler$/, '.ts'));
    const needed = [...handlers, 'infra/nginx/authorizer/serve.ts', 'web/index.html'];
    expect(needed.filter((path) => !files.includes(path))).toEqual([]);
  });

  test('has nothing else of a working directory in which much was left', () => {
    const directory = mkdtempSync(join(tmpdir(), 'streamsync-context-'));
    temporary.push(directory);
    const wanted = [
      'package.json',
      'lib/runtime/config.ts',
      'infra/kafka/pom.xml',
      'web/index.html',
    ];
    const left = [
      '.env',
      '.env.prod',
      '.containers/secrets/STREAMSYNC_DOOR_SECRET',
      '.git/config',
      '.local/credentials.json',
      '.local/secrets.json',
      '.npmrc',
      '.parts/tool',
      '.serverless/cloudformation-template-update-stack.json',
      'credentials.json',
      'deploy.prod.yml',
      'dist/functions/get-me.zip',
      'docs/deploy.md',
      'handlers/http/.env',
      'infra/aws/credentials.json',
      'infra/local/signing-keys.json',
      'infra/nginx/door.key',
      'infra/nginx/door.pem',
      'lib/node_modules/pg/index.js',
      'lib/runtime/config.test.ts',
      'lib/secrets.json',
      'node_modules/pg/index.js',
      'npm-debug.log',
      'tests/support/secrets.ts',
      'web/.env.local',
    ];
    for (const path of [...wanted, ...left]) {
      mkdirSync(join(directory, dirname(path)), { recursive: true });
      writeFileSync(join(directory, path), '');
    }
    writeFileSync(join(directory, '.dockerignore'), readFileSync('.dockerignore'));
    expect(buildContext(directory)).toEqual(wanted.toSorted());
  });

  test.each(images)('$context has no file with a key or a password', ({ context, files: all }) => {
    const secret = /-----BEGIN [A-Z ]*PRIVATE KEY|"d":\s*"[\w-]{43}"|AKIA[A-Z0-9]{16}/;
    const found = all.filter((file) => secret.test(readFileSync(join(context, file), 'utf8')));
    expect(found).toEqual([]);
  });
});

describe('the images', () => {
  test.each(images)(
    'of $context copy files that their build context has',
    ({ stages: all, files: has }) => {
      const sources = all
        .flatMap(copiesOf)
        .flatMap((it) => (it.from === undefined ? it.sources : []));
      expect(sources.length).toBeGreaterThan(1);
      const missing = sources.filter(
        (path) => !has.some((it) => it === path || it.startsWith(`${path}/`)),
      );
      expect(missing).toEqual([]);
    },
  );

  test('copy from stages that come before', () => {
    for (const [n, stage] of ours.entries())
      for (const { from } of copiesOf(stage))
        if (from !== undefined) expect(ours.slice(0, n).map(({ name }) => name)).toContain(from);
  });

  test('are based on exact versions', () => {
    const names = stages.map(({ name }) => name);
    const bases = stages.map(({ base }) => base).filter((base) => !names.includes(base));
    for (const base of bases) expect(base).toMatch(/^[a-z]+:\d+\.\d+\.\d+(-slim)?-[a-z]+(-slim)?$/);
    expect(bases).toHaveLength(3);
  });

  test('have the Node of package.json, and a Python that runs LocalStack', () => {
    const { devDependencies } = z
      .object({ devDependencies: z.object({ node: z.string() }) })
      .parse(JSON.parse(readFileSync('package.json', 'utf8')));
    expect(stages.map(({ base }) => base)).toContain(
      `node:${devDependencies.node.replace('^', '')}-trixie-slim`,
    );
    expect(stages.at(-1)?.base).toMatch(/^python:3\.1[123]\./);
    expect(readFileSync('infra/localstack/requirements.lock.txt', 'utf8')).toContain(
      '# Python 3.11 to 3.13, Linux or macOS, x86_64 or arm64.',
    );
  });

  test.each(['functions', 'sidecars', 'door', ''])('%s: it does not run as root', (name) => {
    const stage = stages.find((it) => it.name === name);
    expect(stage && valuesOf(stage, 'USER')).toEqual(['1000:1000']);
  });

  test('copy scripts that can be executed', () => {
    for (const script of files.filter((it) => it.endsWith('.sh')))
      expect([script, statSync(script).mode & 0o111]).toEqual([script, 0o111]);
  });
});

describe('the commands that run while an image is built', () => {
  test('make the page from the files that are copied before', async () => {
    const directory = imageDirectory('page');
    temporary.push(directory);
    const page = ours.find(({ name }) => name === 'page');
    const [command = ''] = page ? valuesOf(page, 'RUN') : [];
    expect(command).toContain(' --outDir /page ');
    const [program, ...args] = command.replace('/page', join(directory, 'made')).split(' ');
    expect(program).toBe('node');
    await promisify(execFile)(process.execPath, args, { cwd: directory });
    expect(readFileSync(join(directory, 'made/index.html'), 'utf8')).toContain('/assets/');
  });
});
