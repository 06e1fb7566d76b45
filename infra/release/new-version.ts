/** What a release changes in files: the version, which package.json alone has, and the heading in the changelog. */
const versionPattern = /^(\d+)\.(\d+)\.(\d+)$/;

/** Returns the version that `wanted` means: `major`, `minor`, `patch`, or the version itself, not below the current. */
export function nextVersion(current: string, wanted: string): string {
  const [major, minor, patch] = numbersOf(current);
  if (wanted === 'major') return `${major + 1}.0.0`;
  if (wanted === 'minor') return `${major}.${minor + 1}.0`;
  if (wanted === 'patch') return `${major}.${minor}.${patch + 1}`;
  const next = numbersOf(wanted);
  const changed = [major, minor, patch].findIndex((number, n) => number !== next[n]);
  if (changed >= 0 && (next[changed] ?? 0) < ([major, minor, patch][changed] ?? 0))
    throw new Error(`${wanted} is below ${current}`);
  return wanted;
}

function numbersOf(version: string): [number, number, number] {
  const [, major, minor, patch] = versionPattern.exec(version) ?? [];
  if (patch === undefined)
    throw new Error(`"${version}" is no version: use 1.2.3, major, minor or patch`);
  return [Number(major), Number(minor), Number(patch)];
}

/** Returns package.json or package-lock.json with another version of the project; nothing else is changed. */
export function withVersion(json: string, version: string): string {
  const own = /^( {2}"version": )"[^"]*"/m;
  if (!own.test(json)) throw new Error('there is no "version" at the first level');
  return json
    .replace(own, `$1"${version}"`)
    .replace(/("packages": \{\s+"": \{[^}]*?"version": )"[^"]*"/, `$1"${version}"`);
}

const unreleased = '## Unreleased\n';

/** Returns the changelog with what is unreleased under the version, and that section by itself. */
export function releaseChangelog(
  changelog: string,
  version: string,
  day: string,
): { changelog: string; section: string } {
  const start = changelog.indexOf(unreleased);
  if (start < 0) throw new Error('CHANGELOG.md has no "## Unreleased"');
  if (changelog.includes(`\n## ${version} `))
    throw new Error(`CHANGELOG.md has ${version} already`);
  const after = changelog.slice(start + unreleased.length);
  const end = after.search(/^## /m);
  const section = (end < 0 ? after : after.slice(0, end)).trim();
  if (!/^- /m.test(section)) throw new Error('CHANGELOG.md names no change under "## Unreleased"');
  const before = changelog.slice(0, start);
  return { changelog: `${before}${unreleased}\n## ${version} - ${day}\n${after}`, section };
}
