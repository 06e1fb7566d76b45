/** The download authorizer, which NGINX asks about every request for a file. */
import { join } from 'node:path';
import { repoRoot } from '../home/home.ts';
import { type ServiceSpec, waitFor } from '../processes.ts';
import { type StartContext, startTimeoutSeconds } from './start-context.ts';

export const authorizerName = 'download-authorizer';
const stopTimeoutSeconds = 5;

/** Starts it with `keepRunning`, and waits until it listens. */
export async function startAuthorizer(
  application: Record<string, string>,
  context: StartContext,
  keepRunning: (spec: Omit<ServiceSpec, 'logs'>) => Promise<void>,
): Promise<void> {
  const { home, ports, signal, report } = context;
  await keepRunning({
    name: authorizerName,
    command: process.execPath,
    args: [
      join(repoRoot, 'infra/nginx/authorizer/serve.ts'),
      String(ports.authorizer),
      join(home.nginx, 'cache'),
    ],
    env: { ...context.environment, ...application },
    cwd: repoRoot,
    owner: await context.runAs(process.execPath),
    stopSeconds: stopTimeoutSeconds,
  });
  await waitFor(
    `${authorizerName} did not answer`,
    { seconds: startTimeoutSeconds, signal },
    async () => {
      await fetch(`http://127.0.0.1:${ports.authorizer}/`, { signal: AbortSignal.timeout(2000) });
      return true;
    },
  );
  report('authorizer', `ready on 127.0.0.1:${ports.authorizer}`);
}
