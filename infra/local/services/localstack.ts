/** LocalStack's S3 without Docker: a Python environment with locked versions, started by infra/localstack/launcher.py. */
import { join } from 'node:path';
import { z } from 'zod';
import type { ToolContext } from '../apt.ts';
import { REPO } from '../home.ts';
import { waitFor } from '../processes.ts';
import { START_SECONDS, type StartContext } from './context.ts';
import {
  installPythonPart,
  interpreterOf,
  type PythonPart,
  pythonPartIsInstalled,
} from './python.ts';

const PART: PythonPart = {
  name: 'localstack',
  requirements: join(REPO, 'infra/localstack/requirements.lock.txt'),
};
const LAUNCHER = join(REPO, 'infra/localstack/launcher.py');
const STOP_SECONDS = 10;

export const localstackIsInstalled = (): boolean => pythonPartIsInstalled(PART);

export const installLocalstack = (pythonPath: string, context: ToolContext): Promise<void> =>
  installPythonPart(PART, pythonPath, context);

export async function startLocalstack(context: StartContext): Promise<void> {
  const { home, ports, signal, report } = context;
  await context.start({
    name: 'localstack',
    command: interpreterOf(PART),
    args: [LAUNCHER, '--port', String(ports.s3), '--data', home.s3],
    // It ends itself when its parent is gone: Python has no other way of noticing.
    env: { ...context.environment, STREAMSYNC_PARENT_PID: String(process.pid) },
    cwd: home.path,
    owner: await context.runAs(interpreterOf(PART)),
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
