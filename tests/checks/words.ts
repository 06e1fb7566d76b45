/**
 * `node tests/checks/words.ts`: names every place that has a word of `words/rules.ts`, with the word to use; exit
 * code 1 if there is one. `--report`: the same, and a count by file, with exit code 0.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { allowanceOf, allowed } from './words/allowed.ts';
import { findHits, type Hit } from './words/find-hits.ts';

const texts = /\.(ts|mts|tsx|mjs|cjs|md|py|sql|yml|yaml|html|css|svg|conf|template|toml|sh)$/;
/** What is not ours to reword. */
const excluded = [
  // It holds the words.
  /^tests\/checks\/words/,
  // Migrations stay as they were run.
  /^infra\/postgres\/(migrations\/|catalogue\.sql$)/,
];

const files = execFileSync('git', ['ls-files', '-coz', '--exclude-standard'], { encoding: 'utf8' })
  .split('\0')
  .filter((path) => texts.test(path) && !excluded.some((it) => it.test(path)));

const needed = new Set<(typeof allowed)[number]>();
const isAllowed = (path: string, hit: Hit): boolean => {
  const entry = allowanceOf(path, hit);
  if (entry) needed.add(entry);
  return entry !== undefined;
};

const hits = files.flatMap((path) => {
  const content = contentOf(path);
  return findHits(path, content)
    .filter((hit) => !isAllowed(path, hit))
    .map((hit) => ({ ...hit, path }));
});

/** A file that was deleted and not yet committed is still listed by git. */
function contentOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

for (const { path, line, column, word, instead } of hits)
  console.log(`${path}:${line}:${column} "${word}": write ${instead}`);
const unneeded = allowed.filter((entry) => !needed.has(entry));
for (const { text } of unneeded)
  console.log(`tests/checks/words/allowed.ts: nothing needs ${text} any more`);

if (process.argv.includes('--report')) {
  const counts = Map.groupBy(hits, ({ path }) => path);
  console.log(`\n${hits.length} places in ${counts.size} files:`);
  for (const [path, own] of [...counts].toSorted(([, a], [, b]) => b.length - a.length))
    console.log(`${String(own.length).padStart(5)} ${path}`);
} else if (hits.length + unneeded.length > 0) process.exitCode = 1;
