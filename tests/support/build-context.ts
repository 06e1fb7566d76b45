import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

interface Pattern {
  text: string;
  isException: boolean;
  regex: RegExp;
}

/**
 * Returns the files below a directory that `docker build` gets of it: those that its .dockerignore leaves. Supports what
 * our files use of the syntax: `*`, `**` and `!`. The last pattern decides that matches a file or a directory above it.
 * https://docs.docker.com/build/concepts/context/#dockerignore-files
 */
export function buildContext(directory: string): string[] {
  const patterns = readFileSync(join(directory, '.dockerignore'), 'utf8')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map(patternOf);
  const filesIn = (below: string): string[] =>
    readdirSync(join(directory, below), { withFileTypes: true }).flatMap((entry) => {
      const path = below === '' ? entry.name : `${below}/${entry.name}`;
      const ignored = isIgnored(path, patterns);
      if (!entry.isDirectory()) return ignored ? [] : [path];
      const mayHaveExceptions = patterns.some(
        ({ isException, text }) =>
          isException && (text.includes('*') || text.startsWith(`${path}/`)),
      );
      return ignored && !mayHaveExceptions ? [] : filesIn(path);
    });
  return filesIn('').toSorted();
}

function patternOf(line: string): Pattern {
  const isException = line.startsWith('!');
  const text = isException ? line.slice(1) : line;
  if (/[?[\]\\\s]|^\/|\/$/.test(text)) throw new Error(`.dockerignore: ${line} is not supported`);
  const source = text
    .replaceAll('.', String.raw`\.`)
    .replaceAll(/(\*\*\/)|\*/g, (_, deep) => (deep ? '(?:.*/)?' : '[^/]*'));
  return { text, isException, regex: new RegExp(`^${source}$`) };
}

function isIgnored(path: string, patterns: readonly Pattern[]): boolean {
  const names = path.split('/');
  const places = names.map((_, n) => names.slice(0, n + 1).join('/'));
  const deciding = patterns.findLast(({ regex }) => places.some((place) => regex.test(place)));
  return deciding !== undefined && !deciding.isException;
}
