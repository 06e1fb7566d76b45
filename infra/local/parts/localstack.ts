/** LocalStack's S3 without Docker: a Python environment with locked versions, started by infra/localstack/launcher.py. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import type { ToolContext } from '../apt.ts';
import { REPO } from '../home.ts';
import { run, waitFor } from '../processes.ts';
import type { Tool } from '../tools.ts';
import { START_SECONDS, type StartContext } from './context.ts';
import { install, isInstalled, type Part, partDirectory } from './install.ts';

const REQUIREMENTS = join(REPO, 'infra/localstack/requirements.lock.txt');
const LAUNCHER = join(REPO, 'infra/localstack/launcher.py');
const STOP_SECONDS = 10;

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

export function localstackIsInstalled(): boolean {
  // The interpreter in it is a link to the system's, which an upgrade may have removed.
  return isInstalled(part()) && existsSync(interpreter());
}

export async function installLocalstack(pythonPath: string, context: ToolContext): Promise<void> {
  if (localstackIsInstalled()) return;
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
  await install(part(), async (draft, place) => {
    const draftPython = join(draft, 'bin/python');
    await step('making a Python environment', pythonPath, ['-m', 'venv', draft]);
    await step("installing LocalStack's packages", draftPython, [
      '-m',
      'pip',
      'install',
      '--disable-pip-version-check',
      '--no-input',
      '--no-compile',
      '--require-hashes',
      '--no-deps',
      '-r',
      REQUIREMENTS,
    ]);
    // Compiled now, for the place where it will be: the first start is then as quick as the others. The exit code
    // tells of files that are not for this Python version, which some packages carry as templates.
    await step('compiling LocalStack', 'sh', [
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

export async function startLocalstack(context: StartContext): Promise<void> {
  const { home, ports, signal, report } = context;
  await context.start({
    name: 'localstack',
    command: interpreter(),
    args: [LAUNCHER, '--port', String(ports.s3), '--data', home.s3],
    // It ends itself when its parent is gone: Python has no other way of noticing.
    env: { ...context.environment, STREAMSYNC_PARENT_PID: String(process.pid) },
    cwd: home.path,
    owner: await context.runAs(interpreter()),
    stopSeconds: STOP_SECONDS,
  });
  await waitFor('localstack does not answer', { seconds: START_SECONDS, signal }, () =>
    answers(ports.s3),
  );
  report('localstack', `ready on 127.0.0.1:${ports.s3}`);
}

const healthSchema = z.object({ services: z.object({ s3: z.string() }) });

async function answers(port: number): Promise<true | undefined> {
  const response = await fetch(`http://127.0.0.1:${port}/_localstack/health`, {
    signal: AbortSignal.timeout(2000),
  });
  const { services } = healthSchema.parse(await response.json());
  return services.s3 === 'running' || services.s3 === 'available' ? true : undefined;
}

function part(): Part {
  return { name: 'localstack', definition: readFileSync(REQUIREMENTS, 'utf8') };
}

function interpreter(): string {
  return join(partDirectory('localstack'), 'bin/python');
}
