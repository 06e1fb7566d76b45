import type { Edit } from './edit.ts';
import type { Verdict } from './trial.ts';

/** A change that was tried. */
export interface Trial {
  file: string;
  edit: Edit;
  before: string;
  verdict: Verdict;
}

/** Returns the line number, from 1, of an offset in a text. */
const lineAt = (text: string, start: number): number => text.slice(0, start).split('\n').length;

const short = (text: string): string => {
  const line = text.replaceAll(/\s+/g, ' ').trim();
  return line.length > 70 ? `${line.slice(0, 67)}…` : line;
};

/** Returns a one-line description of a change: place, operator, old and new text. */
export function describeEdit(file: string, text: string, { start, end, ...edit }: Edit): string {
  const after = edit.text.trim() === '' ? 'nothing' : `\`${short(edit.text)}\``;
  return `${file}:${lineAt(text, start)} ${edit.operator}: \`${short(text.slice(start, end))}\` → ${after}`;
}

/** Returns the table of scores and the list of survivors in the form of docs/reliability.md. */
export function markdown(
  trials: readonly Trial[],
  possibleCounts: ReadonlyMap<string, number>,
): string {
  const byFolder = Map.groupBy(trials, ({ file }) => file.split('/').slice(0, 2).join('/'));
  const rows = [...byFolder].map(([folder, tried]) => {
    const noticed = tried.filter(({ verdict }) => verdict.noticed).length;
    const score = Math.round((100 * noticed) / tried.length);
    return `| \`${folder}\` | ${possibleCounts.get(folder) ?? tried.length} | ${tried.length} | ${noticed} | ${score} % |`;
  });
  const survivors = trials
    .filter(({ verdict }) => !verdict.noticed)
    .map(({ file, before, edit }) => `- ${describeEdit(file, before, edit)}`);
  return [
    '| folder | possible | tried | noticed | score |',
    '|---|---|---|---|---|',
    ...rows,
    '',
    survivors.length === 0 ? 'None survived.' : 'Survived:',
    '',
    ...survivors,
  ].join('\n');
}
