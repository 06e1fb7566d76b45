/** Python environments with locked versions, each a part of its own. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ToolContext } from '../apt.ts';
import { REPO } from '../home.ts';
import { run } from '../processes.ts';
import type { Tool } from '../tools.ts';
import { install, isInstalled, type Part, partDirectory } from './install.ts';

/** Prints the path of the interpreter when it is one the locked versions are made for and can make environments. */
const PROBE =
  'import sys, venv, ensurepip; (3, 11) <= sys.version_info[:2] <= (3, 13) or sys.exit(1); print(sys.executable)';

export const python: Tool = {
  what: 'Python 3.11, 3.12 or 3.13 with the modules venv and ensurepip',
  apt: ['python3', 'python3-venv'],
  brew: ['python@3.12'],
  find: async (look) => {
    for (const candidate of [
      'python3',
      'python3.12',
      'python3.11',
      'python3.13',
      '/usr/bin/python3',
    ]) {
      const path = (await look(candidate, ['-c', PROBE]))?.trim();
      if (path?.startsWith('/')) return path;
    }
    return undefined;
  },
};

/** What is installed under a name: the packages of a file of locked versions with hashes. */
export interface PythonPart {
  name: string;
  requirements: string;
}

const partOf = ({ name, requirements }: PythonPart): Part => ({
  name,
  definition: readFileSync(requirements, 'utf8'),
});

export const interpreterOf = ({ name }: PythonPart): string =>
  join(partDirectory(name), 'bin/python');

export function pythonPartIsInstalled(part: PythonPart): boolean {
  // The interpreter in it is a link to the system's, which an upgrade may have removed.
  return isInstalled(partOf(part)) && existsSync(interpreterOf(part));
}

export async function installPythonPart(
  part: PythonPart,
  pythonPath: string,
  context: ToolContext,
): Promise<void> {
  if (pythonPartIsInstalled(part)) return;
  context.report('installing into a Python environment (pip)');
  // PYTHONDONTWRITEBYTECODE and the like are left out of this environment: compiling is the point of the last step.
  const step = (what: string, command: string, args: readonly string[]): Promise<string> =>
    run({
      what,
      command,
      args,
      env: context.environment,
      cwd: REPO,
      seconds: 900,
      signal: context.signal,
    });
  await install(partOf(part), async (draft, place) => {
    const draftPython = join(draft, 'bin/python');
    await step('making a Python environment', pythonPath, ['-m', 'venv', draft]);
    await step(`installing the packages of ${part.name}`, draftPython, [
      '-m',
      'pip',
      'install',
      '--disable-pip-version-check',
      '--no-input',
      '--no-compile',
      '--require-hashes',
      '--no-deps',
      '-r',
      part.requirements,
    ]);
    // Compiled now, for the place where it will be: the first start is then as quick as the others. The exit code
    // tells of files that are not for this Python version, which some packages carry as templates.
    await step(`compiling ${part.name}`, 'sh', [
      '-c',
      '"$@" || :',
      'sh',
      draftPython,
      '-m',
      'compileall',
      '-q',
      '-s',
      draft,
      '-p',
      place,
      join(draft, 'lib'),
    ]);
  });
}
