/** The simulator: sends readings of some of the demo's sensors, so that the Live page has something to show. */
import { join } from 'node:path';
import { repoRoot } from '../home/home.ts';
import type { ServiceSpec } from '../processes.ts';
import type { StartContext } from './start-context.ts';

const series = 40;
const readingsPerSecond = 20;
const stopTimeoutSeconds = 5;

/** Returns whether the stack simulates readings: unless `STREAMSYNC_DEMO` is 0. */
export const isSimulated = (environment: NodeJS.ProcessEnv): boolean =>
  environment.STREAMSYNC_DEMO !== '0';

export async function simulatorSpec(
  application: Record<string, string>,
  context: Pick<StartContext, 'environment' | 'runAs'>,
): Promise<Omit<ServiceSpec, 'logs'>> {
  return {
    name: 'simulator',
    command: process.execPath,
    args: [
      join(repoRoot, 'infra/cli/simulate.ts'),
      `--series=${series}`,
      `--rate=${readingsPerSecond}`,
      '--quiet',
    ],
    env: { ...context.environment, ...application },
    cwd: repoRoot,
    owner: await context.runAs(process.execPath),
    stopSeconds: stopTimeoutSeconds,
  };
}
