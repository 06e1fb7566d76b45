import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Random } from '../../infra/postgres/demo/random.ts';
import type { Edit } from './edit.ts';
import { namedChanges } from './named.ts';
import { editsOf } from './operators.ts';
import { describeEdit, markdown, type Trial } from './report.ts';
import { folders, suitesOf } from './suites.ts';
import { endTests, runTests } from './trial.ts';
import { WorkingCopy } from './working-copy.ts';

/**
 * `npm run test:mutants -- [folder …] [--seed n] [--max n] [--minutes n] [--unit]`: applies small changes to a copy of
 * the code, one at a time, and reports whether a test fails. The seed selects at most `--max` changes of each folder
 * and its subfolders. The folders share `--minutes`, after which no further change is tried; the start of the stack
 * and a run of the unchanged code come in addition. `--unit`: runs unit tests only.
 *
 * `npm run test:mutants -- named [row …]`: tries the changes of named.ts. Tests have to notice each of them.
 */
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seed: { type: 'string', default: '1' },
    max: { type: 'string', default: '20' },
    minutes: { type: 'string', default: '60' },
    unit: { type: 'boolean', default: false },
  },
});

interface Candidate {
  file: string;
  before: string;
  edit: Edit;
}

/** Returns every possible change of the files in a folder and its subfolders. */
function candidatesOf(copy: WorkingCopy, folder: string): Candidate[] {
  return readdirSync(join(copy.path, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'))
    .toSorted()
    .flatMap((name) => {
      const file = `${folder}/${name}`;
      const before = copy.read(file);
      return editsOf(file, before).map((edit) => ({ file, before, edit }));
    });
}

/** Returns at most `limit` candidates, selected by the seed. */
function draw(candidates: readonly Candidate[], limit: number, seed: number): Candidate[] {
  const random = new Random(seed);
  return candidates
    .map((candidate) => ({ candidate, place: random.next() }))
    .toSorted((a, b) => a.place - b.place)
    .slice(0, limit)
    .map(({ candidate }) => candidate);
}

const suitesFor = (path: string): string[] => (values.unit ? [] : suitesOf(path));

async function tryFolders(copy: WorkingCopy, tried: readonly string[]): Promise<void> {
  const possibleCounts = new Map<string, number>();
  const trials: Trial[] = [];
  for (const folder of tried) {
    const candidates = candidatesOf(copy, folder);
    possibleCounts.set(folder, candidates.length);
    const drawn = draw(candidates, Number(values.max), Number(values.seed));
    const suites = new Set(drawn.flatMap(({ file }) => suitesFor(file)));
    const unchanged = await runTests(copy, { units: [folder], suites: [...suites] });
    if (unchanged.noticed) {
      console.error(`the tests of ${folder} fail in the unchanged code: ${unchanged.by}`);
      process.exitCode = 1;
      continue;
    }
    const end = performance.now() + (Number(values.minutes) * 60_000) / tried.length;
    for (const { file, before, edit } of drawn) {
      if (performance.now() > end) break;
      copy.change(file, before.slice(0, edit.start) + edit.text + before.slice(edit.end));
      const verdict = await runTests(copy, { related: file, suites: suitesFor(file) });
      copy.restore();
      trials.push({ file, before, edit, verdict });
      const fate = verdict.noticed ? `noticed by ${verdict.by}` : 'SURVIVED';
      console.log(`${describeEdit(file, before, edit)}\n    ${fate}`);
    }
  }
  console.log(
    `\nCommit ${commit}, seed ${values.seed}, at most ${values.max} changes per folder.\n`,
  );
  console.log(markdown(trials, possibleCounts));
}

/** Tries the named changes. Sets exit code 1 if no test notices a change, or if the text to change is not in its file once. */
async function tryNamed(copy: WorkingCopy, rows: readonly string[]): Promise<void> {
  const changes = namedChanges.filter(({ row }) => rows.length === 0 || rows.includes(String(row)));
  const rowsOfTable: string[] = [];
  for (const { row, file, find, replace, harm, units = [], suites = [] } of changes) {
    const before = copy.read(file);
    const found = before.split(find).length - 1;
    let fate: string;
    if (found !== 1) {
      fate = `ERROR: the text to change is in the file ${found} times, not once; adapt named.ts`;
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
    ['', '| | file | harm of the change | result |', '|---|---|---|---|', ...rowsOfTable].join(
      '\n',
    ),
  );
}

// Read before the run: the copy is of this commit, and the working tree may change meanwhile.
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
