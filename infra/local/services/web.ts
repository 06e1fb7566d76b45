/**
 * The web app, built by Vite. Each build has its own directory, named by the hash of its sources: a running stack keeps
 * its page and assets while another build is created. `dist/web` points to the newest build, for tools.
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
import { lock } from '../../bootstrap/pid-lock.mjs';
import { repoRoot } from '../home/home.ts';
import type { ToolContext } from '../install/apt.ts';
import { run } from '../processes.ts';

const distDirectory = join(repoRoot, 'dist');
const currentLink = join(distDirectory, 'web');
const keptBuilds = 3;
const keptBuildMs = 24 * 3_600_000;

/** The sources of a build: the app, the contracts it imports, and the versions of its packages. */
const sourcePaths = ['web', 'lib/contracts', 'package-lock.json', 'tsconfig.json'].map((path) =>
  join(repoRoot, path),
);

/** Builds the web app unless its sources are unchanged. Returns the directory to serve. */
export async function buildWeb(context: ToolContext): Promise<string> {
  const { signal, report } = context;
  const buildLock = await lock(join(repoRoot, '.parts/locks/web'), {
    signal,
    onWait: (pid) => report(`process ${pid} is building the web app, waiting`),
  });
  try {
    const name = `web-${digest(sourcePaths).slice(0, 16)}`;
    const place = join(distDirectory, name);
    if (!existsSync(place)) {
      report('building (vite)');
      const draft = `${place}.${process.pid}-new`;
      try {
        await run({
          what: 'building the web app',
          command: process.execPath,
          args: [
            join(repoRoot, 'node_modules/vite/bin/vite.js'),
            'build',
            join(repoRoot, 'web'),
            '--outDir',
            draft,
            '--emptyOutDir',
            '--logLevel',
            'warn',
          ],
          env: context.environment,
          cwd: repoRoot,
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
    buildLock.release();
  }
}

function pointTo(name: string): void {
  const draft = `${currentLink}.${process.pid}-new`;
  rmSync(draft, { force: true });
  symlinkSync(name, draft);
  // A manual build is a directory, which rename cannot replace with a link.
  if (existsSync(currentLink) && !lstatSync(currentLink).isSymbolicLink())
    rmSync(currentLink, { recursive: true });
  renameSync(draft, currentLink);
}

function removeOld(current: string): void {
  const builds = readdirSync(distDirectory)
    .filter((name) => /^web-[0-9a-f]{16}$/.test(name) && name !== current)
    .map((name) => ({ name, builtAt: statSync(join(distDirectory, name)).mtimeMs }))
    .toSorted((a, b) => b.builtAt - a.builtAt);
  // A running stack may still serve a build that is younger than a day.
  const old = builds
    .slice(keptBuilds - 1)
    .filter(({ builtAt }) => Date.now() - builtAt > keptBuildMs);
  for (const { name } of old) rmSync(join(distDirectory, name), { recursive: true, force: true });
}

/** Returns one hash over the names and contents of all files below the paths. */
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
      hash.update(`${relative(repoRoot, name)}\0${content.length}\0`).update(content);
    }
  }
  return hash.digest('hex');
}
