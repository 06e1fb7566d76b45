/**
 * The web app, built by Vite. Each build has a directory of its own, named by its sources: a stack that runs keeps
 * the one it serves, page and assets together, while another is made. `dist/web` points to the newest, for tools.
 */
import { createHash } from 'node:crypto';
import {
  existsSync,
  lstatSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
} from 'node:fs';
import { join, relative } from 'node:path';
import type { ToolContext } from '../apt.ts';
import { REPO } from '../home.ts';
import { lock } from '../lock.mjs';
import { run } from '../processes.ts';

const DIST = join(REPO, 'dist');
const LINK = join(DIST, 'web');
const KEPT = 3;
const KEPT_MILLISECONDS = 24 * 3_600_000;

/** What a build depends on: the app, the contracts it imports, and the versions of its packages. */
const SOURCES = ['web', 'lib/contracts', 'package-lock.json', 'tsconfig.json'].map((path) =>
  join(REPO, path),
);

/** → the directory to serve. */
export async function buildWeb(context: ToolContext): Promise<string> {
  const { signal, report } = context;
  const held = await lock(join(REPO, '.parts/locks/web'), {
    signal,
    onWait: (pid) => report(`process ${pid} is building it, waiting`),
  });
  try {
    const name = `web-${digest(SOURCES).slice(0, 16)}`;
    const place = join(DIST, name);
    if (!existsSync(place)) {
      report('building (vite)');
      const draft = `${place}.${process.pid}-new`;
      try {
        await run({
          what: 'building the web app',
          command: process.execPath,
          args: [
            join(REPO, 'node_modules/vite/bin/vite.js'),
            'build',
            join(REPO, 'web'),
            '--outDir',
            draft,
            '--emptyOutDir',
            '--logLevel',
            'warn',
          ],
          env: context.environment,
          cwd: REPO,
          seconds: 300,
          signal,
        });
        renameSync(draft, place);
      } finally {
        rmSync(draft, { recursive: true, force: true });
      }
      report('built');
    }
    pointTo(name);
    removeOld(name);
    return place;
  } finally {
    held.release();
  }
}

function pointTo(name: string): void {
  const draft = `${LINK}.${process.pid}-new`;
  rmSync(draft, { force: true });
  symlinkSync(name, draft);
  // A build made by hand is a directory: a link cannot replace that by itself.
  if (existsSync(LINK) && !lstatSync(LINK).isSymbolicLink()) rmSync(LINK, { recursive: true });
  renameSync(draft, LINK);
}

function removeOld(current: string): void {
  const builds = readdirSync(DIST)
    .filter((name) => /^web-[0-9a-f]{16}$/.test(name) && name !== current)
    .map((name) => ({ name, made: statSync(join(DIST, name)).mtimeMs }))
    .toSorted((a, b) => b.made - a.made);
  // A stack that runs may still serve a younger one.
  const old = builds.slice(KEPT - 1).filter(({ made }) => Date.now() - made > KEPT_MILLISECONDS);
  for (const { name } of old) rmSync(join(DIST, name), { recursive: true, force: true });
}

/** One hash over the names and contents of all files below the paths. */
function digest(paths: readonly string[]): string {
  const hash = createHash('sha256');
  for (const root of paths.filter((path) => existsSync(path))) {
    const files = statSync(root).isDirectory()
      ? readdirSync(root, { recursive: true, withFileTypes: true })
      : undefined;
    const names =
      files === undefined
        ? [root]
        : files
            .filter((entry) => entry.isFile())
            .map((entry) => join(entry.parentPath, entry.name))
            .toSorted();
    for (const name of names) {
      const content = readFileSync(name);
      hash.update(`${relative(REPO, name)}\0${content.length}\0`).update(content);
    }
  }
  return hash.digest('hex');
}
