/** Tools that are Python environments with locked package versions. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { repoRoot } from '../home/home.ts';
import { run } from '../processes.ts';
import type { ToolContext } from './apt.ts';
import type { Tool } from './system-tools.ts';
import { type CachedTool, install, isInstalled, toolDirectory } from './tool-cache.ts';

/** Prints the path of the interpreter if the locked versions support it and it can create environments. */
const interpreterProbe =
  'import sys, venv, ensurepip; (3, 11) <= sys.version_info[:2] <= (3, 13) or sys.exit(1); print(sys.executable)';

export const python: Tool = {
  what: 'Python 3.11, 3.12 or 3.13 with the modules venv and ensurepip',
  apt: ['python3', 'python3-venv'],
  brew: ['python@3.12'],
  find: async (probe) => {
    for (const candidate of [
      'python3',
      'python3.12',
      'python3.11',
      'python3.13',
      '/usr/bin/python3',
    ]) {
      const path = (await probe(candidate, ['-c', interpreterProbe]))?.trim();
      if (path?.startsWith('/')) return path;
    }
    return undefined;
  },
};

/** A named environment with the packages of a requirements file that locks versions and hashes. */
export interface PythonTool {
  name: string;
  requirements: string;
}

function cachedToolOf({ name, requirements }: PythonTool): CachedTool {
  return {
    name,
    definition: readFileSync(requirements, 'utf8'),
  };
}

export function interpreterOf({ name }: PythonTool): string {
  return join(toolDirectory(name), 'bin/python');
}

export function pythonToolIsInstalled(tool: PythonTool): boolean {
  // Its interpreter is a link to the system's, which an upgrade may have removed.
  return isInstalled(cachedToolOf(tool)) && existsSync(interpreterOf(tool));
}

export async function installPythonTool(
  tool: PythonTool,
  pythonPath: string,
  context: ToolContext,
): Promise<void> {
  if (pythonToolIsInstalled(tool)) return;
  context.report('installing into a Python environment (pip)');
  // The environment has no PYTHON* variables: PYTHONDONTWRITEBYTECODE would make the last step useless.
  const step = (what: string, command: string, args: readonly string[]): Promise<string> =>
    run({
      what,
      command,
      args,
      env: context.environment,
      cwd: repoRoot,
      seconds: 900,
      signal: context.signal,
    });
  await install(cachedToolOf(tool), async (draft, place) => {
    const draftPython = join(draft, 'bin/python');
    await step('creating a Python environment', pythonPath, ['-m', 'venv', draft]);
    await step(`installing the packages of ${tool.name}`, draftPython, [
      '-m',
      'pip',
      'install',
      '--disable-pip-version-check',
      '--no-input',
      '--no-compile',
      '--require-hashes',
      '--no-deps',
      '-r',
      tool.requirements,
    ]);
    // Compiled for its final directory, so that the first start is as fast as later ones. The exit code is ignored:
    // some packages contain templates that are not valid for this Python version.
    await step(`compiling ${tool.name}`, 'sh', [
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
