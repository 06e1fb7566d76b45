import { join } from 'node:path';
import { repoRoot } from '../../infra/local/home/home.ts';
import { interpreterOf, type PythonTool } from '../../infra/local/install/python.ts';
import { localstackTool } from '../../infra/local/services/localstack.ts';
import { errorMessage } from '../../lib/runtime/errors.ts';
import { installForTests } from '../support/python-tool.ts';
import type { Check, Skipped } from './run-checks.ts';

const folder = 'infra/localstack';
const installSeconds = 300;

/** ruff, mypy, typos and hadolint: they come as Python packages, in an environment of their own. */
const checksTool: PythonTool = {
  name: 'checks',
  requirements: join(repoRoot, 'tests/checks/requirements.lock.txt'),
};

const installations = new Map<PythonTool, Promise<void>>();

/** Several checks need the same tool: it is tried once, and all of them have the result. */
function installOnce(tool: PythonTool): Promise<void> {
  const installation = installations.get(tool) ?? installForTests(tool, installSeconds);
  installations.set(tool, installation);
  return installation;
}

/** Returns the `prepare` of a check that needs these tools. */
const withTools =
  (...tools: readonly PythonTool[]) =>
  async (): Promise<Skipped | undefined> => {
    try {
      for (const tool of tools) await installOnce(tool);
      return undefined;
    } catch (error) {
      // Where changes are guarded a check is not left out in silence: the stack needs the same Python there.
      if (process.env.CI) throw error;
      return { skipped: firstLine(`cannot be installed: ${errorMessage(error)}`) };
    }
  };

const firstLine = (text: string): string => text.split('\n', 1).join('');

const program = (name: string): string => join(interpreterOf(checksTool), '..', name);

/**
 * The Python of LocalStack's launcher: style, types against the LocalStack that is installed, and its own tests. And what
 * other programs from Python packages check.
 */
export const pythonChecks: readonly Check[] = [
  {
    name: 'types of Python',
    command: interpreterOf(checksTool),
    args: [
      '-m',
      'mypy',
      `--config-file=${folder}/pyproject.toml`,
      `--python-executable=${interpreterOf(localstackTool)}`,
      `--cache-dir=${join(repoRoot, 'node_modules/.cache/mypy')}`,
      folder,
    ],
    prepare: withTools(localstackTool, checksTool),
  },
  {
    name: 'tests of Python',
    command: interpreterOf(localstackTool),
    // -B: no bytecode in the source tree.
    args: ['-B', '-m', 'unittest', 'discover', '-s', folder],
    prepare: withTools(localstackTool),
    doubt: (output) => (/^Ran [1-9]/m.test(output) ? undefined : 'it ran no test'),
  },
  {
    name: 'lint of Python',
    command: program('ruff'),
    args: ['check', '--quiet', '--no-cache', folder],
    prepare: withTools(checksTool),
  },
  {
    name: 'format of Python',
    command: program('ruff'),
    args: ['format', '--check', '--quiet', '--no-cache', folder],
    prepare: withTools(checksTool),
  },
  {
    name: 'typos',
    command: program('typos'),
    args: ['--config', 'tests/checks/typos.toml', '--format', 'brief', '--sort'],
    prepare: withTools(checksTool),
  },
  {
    name: 'Dockerfiles',
    command: program('hadolint'),
    args: ['Dockerfile', join(folder, 'Dockerfile')],
    prepare: withTools(checksTool),
  },
];
