import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { Edit } from './edit.ts';
import { namedChanges } from './named.ts';
import { editsOf } from './operators.ts';
import { describeEdit, markdown, type Trial } from './report.ts';
import { folders, suitesOf } from './suites.ts';
import { endTests, runTests } from './trial.ts';
import { WorkingCopy } from './working-copy.ts';

/**
 * `npm run test:mutants -- [folder …] [--seed n] [--most n] [--minutes n] [--unit]`: changes the code a little, in a
 * copy, and looks whether a test fails. Of each folder at most so many changes are tried, drawn by the seed, and
 * none is begun after so many minutes, which the folders share. `--unit`: by unit tests only.
 *
 * `npm run test:mutants -- named [row …]`: the changes of named.ts, all of which have to be noticed.
 */
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seed: { type: 'string', default: '1' },
    most: { type: 'string', default: '20' },
    minutes: { type: 'string', default: '60' },
    unit: { type: 'boolean', default: false },
  },
});
const end = performance.now() + Number(values.minutes) * 60_000;

/** Numbers from 0 to 1 that are the same for the same seed (mulberry32). */
function* chances(seed: number): Generator<number, never> {
  let state = seed;
  for (;;) {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    yield ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }
}

interface Candidate {
  file: string;
  before: string;
  edit: Edit;
}

function candidatesOf(copy: WorkingCopy, folder: string): Candidate[] {
  return readdirSync(join(copy.path, folder))
    .filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'))
    .toSorted()
    .flatMap((name) => {
      const file = `${folder}/${name}`;
      const before = copy.read(file);
      return editsOf(file, before).map((edit) => ({ file, before, edit }));
    });
}

/** Draws by chance, and puts them into the order of the files. */
function draw(candidates: readonly Candidate[], most: number, seed: number): Candidate[] {
  const chance = chances(seed);
  return candidates
    .map((candidate) => ({ candidate, place: chance.next().value }))
    .toSorted((a, b) => a.place - b.place)
    .slice(0, most)
    .map(({ candidate }) => candidate);
}

const suitesFor = (path: string): string[] => (values.unit ? [] : suitesOf(path));

async function tryFolders(copy: WorkingCopy, wanted: readonly string[]): Promise<void> {
  const known = new Map<string, number>();
  const trials: Trial[] = [];
  for (const [n, folder] of wanted.entries()) {
    // What one folder leaves of its share, the next ones have.
    const share = performance.now() + (end - performance.now()) / (wanted.length - n);
    const candidates = candidatesOf(copy, folder);
    known.set(folder, candidates.length);
    const drawn = draw(candidates, Number(values.most), Number(values.seed));
    const suites = new Set(drawn.flatMap(({ file }) => suitesFor(file)));
    const untouched = await runTests(copy, { units: [folder], suites: [...suites] });
    if (untouched.noticed) {
      console.error(`the tests of ${folder} fail without a change: ${untouched.by}`);
      process.exitCode = 1;
      continue;
    }
    for (const { file, before, edit } of drawn) {
      if (performance.now() > share) break;
      copy.change(file, before.slice(0, edit.start) + edit.text + before.slice(edit.end));
      const verdict = await runTests(copy, { related: file, suites: suitesFor(file) });
      copy.restore();
      trials.push({ file, before, edit, verdict });
      const fate = verdict.noticed ? `noticed by ${verdict.by}` : 'SURVIVED';
      console.log(`${describeEdit(file, before, edit)}\n    ${fate}`);
    }
  }
  console.log(`\nCommit ${commit}, seed ${values.seed}, at most ${values.most} of a folder.\n`);
  console.log(markdown(trials, known));
}

/** Fails when a change is not noticed, or is none any more because the code has become another. */
async function tryNamed(copy: WorkingCopy, rows: readonly string[]): Promise<void> {
  const wanted = namedChanges.filter(({ row }) => rows.length === 0 || rows.includes(String(row)));
  const rowsOfTable: string[] = [];
  for (const { row, file, find, replace, harm, units = [], suites = [] } of wanted) {
    const before = copy.read(file);
    const found = before.split(find).length - 1;
    let fate: string;
    if (found !== 1) {
      fate = `ERROR: the text to change is there ${found} times`;
      process.exitCode = 1;
    } else {
      copy.change(
        file,
        before.replace(find, () => replace),
      );
      const verdict = await runTests(copy, { units, suites });
      copy.restore();
      if (!verdict.noticed) process.exitCode = 1;
      fate = verdict.noticed ? `noticed by ${verdict.by}` : 'SURVIVED';
    }
    console.log(`${row} ${file}: ${harm}\n    ${fate}`);
    rowsOfTable.push(`| ${row} | \`${file}\` | ${harm} | ${fate} |`);
  }
  console.log(
    ['', '| | file | what would go wrong | |', '|---|---|---|---|', ...rowsOfTable].join('\n'),
  );
}

// Of the copy: the tree may be another by the end.
const commit = execFileSync('git', ['describe', '--always', '--dirty'], {
  encoding: 'utf8',
}).trim();
const copy = new WorkingCopy();
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => {
    endTests();
    void copy.remove().finally(() => process.exit(1));
  });
try {
  const [first, ...others] = positionals;
  if (first === 'named') await tryNamed(copy, others);
  else await tryFolders(copy, positionals.length > 0 ? positionals : folders);
} finally {
  await copy.remove();
}
