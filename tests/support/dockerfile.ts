import { cpSync, mkdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

interface Instruction {
  keyword: string;
  text: string;
}

export interface Stage {
  name: string;
  base: string;
  instructions: readonly Instruction[];
}

/** Reads a Dockerfile whose instructions have one line each. */
export function readDockerfile(path: string): Stage[] {
  const stages: Stage[] = [];
  let instructions: Instruction[] = [];
  for (const line of readFileSync(path, 'utf8').split('\n')) {
    if (line === '' || line.startsWith('#')) continue;
    const [, keyword = '', text = ''] = /^([A-Z]+) (.*)$/.exec(line) ?? [];
    if (keyword === '' || line.endsWith('\\')) throw new Error(`${path}: not supported: ${line}`);
    if (keyword !== 'FROM') instructions.push({ keyword, text });
    else {
      const [base = '', , name = ''] = text.split(' ');
      instructions = [];
      stages.push({ name, base, instructions });
    }
  }
  return stages;
}

export interface Copy {
  /** The stage from which it copies; undefined: the build context. */
  from: string | undefined;
  sources: string[];
  target: string;
}

export const valuesOf = ({ instructions }: Stage, keyword: string): string[] =>
  instructions.filter((it) => it.keyword === keyword).map(({ text }) => text);

export const copiesOf = (stage: Stage): Copy[] =>
  valuesOf(stage, 'COPY').map((text) => {
    const words = text.split(' ');
    const from = words[0]?.startsWith('--from=')
      ? words.shift()?.slice('--from='.length)
      : undefined;
    return { from, sources: words.slice(0, -1), target: words.at(-1) ?? '' };
  });

/**
 * Writes what an image has in its working directory to a directory: the files of the build context that its stage and
 * the stages below it copy. What a command makes, as node_modules, is left to the caller.
 *
 * @param files those of the build context, relative to `context`
 */
export function writeImageFiles(
  stages: readonly Stage[],
  name: string,
  context: string,
  files: readonly string[],
  directory: string,
): void {
  const stage = stages.find((it) => it.name === name);
  if (stage === undefined) return;
  writeImageFiles(stages, stage.base, context, files, directory);
  for (const { from, sources, target } of copiesOf(stage)) {
    if (from !== undefined || target.startsWith('/')) continue;
    for (const source of sources)
      for (const file of files.filter((it) => it === source || it.startsWith(`${source}/`))) {
        const place = target.endsWith('/')
          ? join(directory, target, basename(source), file.slice(source.length))
          : join(directory, target, file.slice(source.length));
        mkdirSync(dirname(place), { recursive: true });
        cpSync(join(context, file), place);
      }
  }
}
