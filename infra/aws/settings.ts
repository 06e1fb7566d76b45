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
 * Returns the settings of a function that only a deployment has. On one machine a function is one process; on AWS each
 * concurrent call is one. The catalogue keeps the budget of each source over all of them, so more calls than
 * `sourceConcurrency` would mostly wait, each with its own connections to the catalogue.
 */
export function settingsOf(functionName: string, deployment: Deployment): FunctionSettings {
  // One call for each partition: more could only be a second delivery of a unit that is running.
  if (functionName === worker)
    return { memorySize: deployment.workerMemory, reservedConcurrency: topics.work.partitions };
  return accessOf(functionName).sources
    ? { reservedConcurrency: deployment.sourceConcurrency }
    : {};
}
