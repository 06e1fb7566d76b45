import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { nextVersion, withVersion } from './new-version.ts';

const script = join(import.meta.dirname, 'release.ts');
const changelog = `# Changelog

## Unreleased

### Added

- A change that users notice.

## 0.1.0 - 2026-01-01

- The first one.
`;

let repository: string;
const at = (name: string): string => join(repository, name);
const read = (name: string): string => readFileSync(at(name), 'utf8');
const git = (...args: string[]): string =>
  execFileSync('git', args, { cwd: repository, encoding: 'utf8' }).trim();
const write = (name: string, content: string): void => {
  writeFileSync(at(name), content);
  git('add', '--all');
  git('commit', '--quiet', '--message', `Add ${name}`);
};

function release(version: string): { code: number | null; output: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [script, version], {
    cwd: repository,
    encoding: 'utf8',
  });
  return { code: status, output: `${stdout}${stderr}`.trim() };
}

beforeEach(() => {
  repository = mkdtempSync(join(tmpdir(), 'streamsync-release-'));
  git('init', '--quiet', '--initial-branch=main');
  git('config', 'user.name', 'Test');
  git('config', 'user.email', 'test@example.com');
  git('config', 'commit.gpgsign', 'false');
  git('config', 'tag.gpgsign', 'false');
  write('package.json', `${JSON.stringify({ name: 'it', version: '0.1.0' }, null, 2)}\n`);
  const packages = {
    '': { name: 'it', version: '0.1.0' },
    'node_modules/other': { version: '0.1.0' },
  };
  const lock = { name: 'it', version: '0.1.0', lockfileVersion: 3, packages };
  write('package-lock.json', `${JSON.stringify(lock, null, 2)}\n`);
  write('CHANGELOG.md', changelog);
});

afterEach(() => rmSync(repository, { recursive: true }));

test('a release changes version and changelog, and commits and tags that', () => {
  expect(release('minor')).toEqual({ code: 0, output: expect.stringContaining('v0.2.0') });
  const today = new Date().toISOString().slice(0, 10);
  expect(JSON.parse(read('package.json')).version).toBe('0.2.0');
  expect(JSON.parse(read('package-lock.json'))).toMatchObject({
    version: '0.2.0',
    packages: { '': { version: '0.2.0' }, 'node_modules/other': { version: '0.1.0' } },
  });
  expect(read('CHANGELOG.md')).toBe(
    changelog.replace('## Unreleased\n', `## Unreleased\n\n## 0.2.0 - ${today}\n`),
  );
  expect(git('log', '-1', '--format=%s')).toBe('Release 0.2.0');
  expect(git('status', '--porcelain')).toBe('');
  expect(git('rev-parse', 'v0.2.0^{commit}')).toBe(git('rev-parse', 'HEAD'));
  expect(git('tag', '--list', '--format=%(contents)', 'v0.2.0')).toBe(
    '0.2.0\n\n### Added\n\n- A change that users notice.',
  );
});

test('the first release has the version that is in package.json', () => {
  write('CHANGELOG.md', '# Changelog\n\n## Unreleased\n\n- The first one.\n');
  expect(release('0.1.0')).toMatchObject({ code: 0 });
  expect(git('tag', '--list')).toBe('v0.1.0');
});

describe('no release is made, and no file changed,', () => {
  test.each<[string, () => void, string, string]>([
    ['of uncommitted changes', () => writeFileSync(at('x'), ''), 'patch', 'uncommitted'],
    ['on another branch', () => git('switch', '--quiet', '-c', 'other'), 'patch', 'on main'],
    ['of a version that has a tag', () => git('tag', 'v0.1.1'), 'patch', 'v0.1.1 is there already'],
    ['of a version that the changelog has', () => undefined, '0.1.0', 'has 0.1.0 already'],
    ['of an earlier version', () => undefined, '0.0.9', '0.0.9 is below 0.1.0'],
    ['of what is no version', () => undefined, 'next', 'is no version'],
    [
      'without a change in the changelog',
      () => write('CHANGELOG.md', '# Changelog\n\n## Unreleased\n\n## 0.1.0 - 2026-01-01\n'),
      'patch',
      'names no change',
    ],
  ])('%s', (_case, prepare, version, reason) => {
    prepare();
    const before = git('rev-parse', 'HEAD');
    expect(release(version)).toEqual({ code: 1, output: expect.stringContaining(reason) });
    expect(git('rev-parse', 'HEAD')).toBe(before);
    expect(git('diff', 'HEAD')).toBe('');
  });
});

test.each([
  ['1.2.3', 'major', '2.0.0'],
  ['1.2.3', 'minor', '1.3.0'],
  ['1.2.3', 'patch', '1.2.4'],
  ['1.9.9', '1.10.0', '1.10.0'],
])('the version after %s by %s is %s', (current, wanted, next) => {
  expect(nextVersion(current, wanted)).toBe(next);
});

test('package.json and package-lock.json of this project have one version, which a release can change', () => {
  const own = readFileSync('package.json', 'utf8');
  const lock = readFileSync('package-lock.json', 'utf8');
  expect(JSON.parse(lock).version).toBe(JSON.parse(own).version);
  for (const json of [own, lock]) {
    const changed = JSON.parse(withVersion(json, '9.8.7'));
    expect(changed.version).toBe('9.8.7');
    expect(changed.packages?.['']?.version ?? '9.8.7').toBe('9.8.7');
  }
});
