import { topics } from '../../lib/messaging/topics.ts';
import { accessOf } from './access.ts';
import type { Deployment } from './deploy-file.ts';

/** What Serverless has for these in a function. */
export interface FunctionSettings {
  memorySize?: number;
  reservedConcurrency?: number;
}

const worker = 'export-worker';

/**
 * Returns the settings of a function that only a deployment has. On one machine a function is one process, with one pool
 * of connections to a source; on AWS each concurrent call is one. Functions without sources share what the account has.
 */
export function settingsOf(functionName: string, deployment: Deployment): FunctionSettings {
  // One call for each partition: more could only be a second delivery of a unit that is running.
  if (functionName === worker)
    return { memorySize: deployment.workerMemory, reservedConcurrency: topics.work.partitions };
  return accessOf(functionName).sources
    ? { reservedConcurrency: deployment.sourceConcurrency }
    : {};
}
