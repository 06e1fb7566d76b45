/** LocalStack's S3 without Docker: a Python environment with locked versions, started by infra/localstack/launcher.py. */
import { join } from 'node:path';
import { z } from 'zod';
import { repoRoot } from '../home/home.ts';
import type { ToolContext } from '../install/apt.ts';
import {
  installPythonTool,
  interpreterOf,
  type PythonTool,
  pythonToolIsInstalled,
} from '../install/python.ts';
import { waitFor } from '../processes.ts';
import { type StartContext, startTimeoutSeconds } from './start-context.ts';

export const localstackTool: PythonTool = {
  name: 'localstack',
  requirements: join(repoRoot, 'infra/localstack/requirements.lock.txt'),
};
const launcher = join(repoRoot, 'infra/localstack/launcher.py');
const stopTimeoutSeconds = 10;

export const localstackIsInstalled = (): boolean => pythonToolIsInstalled(localstackTool);

export function installLocalstack(pythonPath: string, context: ToolContext): Promise<void> {
  return installPythonTool(localstackTool, pythonPath, context);
}

export async function startLocalstack(context: StartContext): Promise<void> {
  const { home, ports, signal, report } = context;
  await context.start({
    name: 'localstack',
    command: interpreterOf(localstackTool),
    args: [launcher, '--port', String(ports.s3), '--data', home.s3],
    // The launcher ends itself when the process with this pid, the supervisor, has ended.
    env: { ...context.environment, STREAMSYNC_PARENT_PID: String(process.pid) },
    cwd: home.path,
    owner: await context.runAs(interpreterOf(localstackTool)),
    stopSeconds: stopTimeoutSeconds,
  });
  await waitFor('localstack did not answer', { seconds: startTimeoutSeconds, signal }, () =>
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
