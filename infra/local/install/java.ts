import { existsSync, readdirSync, readFileSync, realpathSync } from 'node:fs';
import { resolve } from 'node:path';
import { firstCompatible, type Tool } from './system-tools.ts';

const minJavaVersion = 17;

export const java: Tool = {
  what: `Java ${minJavaVersion} or newer`,
  apt: ['default-jre-headless'],
  brew: ['openjdk'],
  find: (probe) =>
    firstCompatible(
      probe,
      candidates(),
      ['-version'],
      (answer) => javaVersion(answer) >= minJavaVersion,
    ),
};

export const maven: Tool = {
  what: 'Maven',
  apt: ['maven'],
  brew: ['maven'],
  find: (probe) =>
    firstCompatible(probe, ['mvn'], ['-version'], (answer) => answer.includes('Maven')),
};

/** Returns the version that `java -version` prints: 17 of "17.0.15", 8 of "1.8.0_402", 0 without a version. */
function javaVersion(answer: string): number {
  const [, first = '0', second = '0'] = /version "(\d+)(?:\.(\d+))?/.exec(answer) ?? [];
  return Number(first === '1' ? second : first);
}

/** Returns a text that identifies this Java, without starting it. */
export function javaIdentity(path: string): string {
  const real = path.startsWith('/') ? realpathSync(path) : onPath(path);
  const release = resolve(real, '../../release');
  return existsSync(release) ? readFileSync(release, 'utf8') : real;
}

function candidates(): string[] {
  const home = process.env.JAVA_HOME;
  const installed = '/usr/lib/jvm';
  return [
    ...(home === undefined || home === '' ? [] : [`${home}/bin/java`]),
    'java',
    ...(existsSync(installed)
      ? readdirSync(installed)
          .toSorted()
          .toReversed()
          .map((name) => `${installed}/${name}/bin/java`)
      : []),
    '/opt/homebrew/opt/openjdk/bin/java',
    '/usr/local/opt/openjdk/bin/java',
  ];
}

function onPath(name: string): string {
  const directory = (process.env.PATH ?? '')
    .split(':')
    .find((entry) => existsSync(`${entry}/${name}`));
  return directory === undefined ? name : realpathSync(`${directory}/${name}`);
}
