/** The delivery shipper: sends NGINX's delivery logs to Kafka. */
import { join } from 'node:path';
import { repoRoot } from '../home/home.ts';
import type { ServiceSpec } from '../processes.ts';
import type { StartContext } from './start-context.ts';

const stopTimeoutSeconds = 10;

export async function shipperSpec(
  { STREAMSYNC_KAFKA_BROKERS = '' }: Record<string, string>,
  context: Pick<StartContext, 'environment' | 'home' | 'runAs'>,
): Promise<Omit<ServiceSpec, 'logs'>> {
  return {
    name: 'delivery-shipper',
    command: process.execPath,
    args: [join(repoRoot, 'infra/nginx/shipper/ship.ts'), context.home.nginx],
    // Nothing else: it has none of the functions' secrets.
    env: { ...context.environment, STREAMSYNC_KAFKA_BROKERS },
    cwd: repoRoot,
    owner: await context.runAs(process.execPath),
    stopSeconds: stopTimeoutSeconds,
  };
}
