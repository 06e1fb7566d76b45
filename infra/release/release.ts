/**
 * `npm run release -- <version | major | minor | patch>`: makes a release of what is committed on `main`.
 *
 * 1. It checks that the branch is `main`, that nothing is uncommitted, and that the version has no tag yet.
 * 2. It writes the version to package.json and package-lock.json. All else reads it from there.
 * 3. It gives what CHANGELOG.md has under "Unreleased" the version and today's date as its heading.
 * 4. It commits that as "Release 1.2.3", with an annotated tag `v1.2.3` that has the changes as its text.
 *
 * It sends nothing anywhere: `git push --follow-tags` publishes the release, `git reset --hard HEAD~` and
 * `git tag -d v1.2.3` undo it before.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { z } from 'zod';
import { errorMessage } from '../../lib/runtime/errors.ts';
import { nextVersion, releaseChangelog, withVersion } from './new-version.ts';

const git = (...args: string[]): string => execFileSync('git', args, { encoding: 'utf8' }).trim();

function release(wanted: string | undefined): string {
  if (wanted === undefined)
    throw new Error('usage: npm run release -- <1.2.3 | major | minor | patch>');
  const branch = git('branch', '--show-current');
  if (branch !== 'main') throw new Error(`a release is made on main; this is ${branch}`);
  if (git('status', '--porcelain') !== '') throw new Error('there are uncommitted changes');
  const packageJson = readFileSync('package.json', 'utf8');
  const current = z.object({ version: z.string() }).parse(JSON.parse(packageJson)).version;
  const version = nextVersion(current, wanted);
  const tag = `v${version}`;
  if (git('tag', '--list', tag) !== '') throw new Error(`${tag} is there already`);
  const { changelog, section } = releaseChangelog(
    readFileSync('CHANGELOG.md', 'utf8'),
    version,
    new Date().toISOString().slice(0, 10),
  );
  // All is read and checked before the first file is written.
  const lock = withVersion(readFileSync('package-lock.json', 'utf8'), version);
  writeFileSync('package.json', withVersion(packageJson, version));
  writeFileSync('package-lock.json', lock);
  writeFileSync('CHANGELOG.md', changelog);
  git('commit', '--quiet', '--all', '--message', `Release ${version}`);
  // Headings begin with #, which git would take for comments.
  git('tag', '--annotate', '--cleanup=whitespace', '--message', `${version}\n\n${section}`, tag);
  return `${tag} is committed and tagged. Publish it: git push --follow-tags`;
}

try {
  console.log(release(process.argv[2]));
} catch (error) {
  console.error(`No release: ${errorMessage(error)}`);
  process.exitCode = 1;
}
