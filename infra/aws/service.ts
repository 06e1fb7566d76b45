import { z } from 'zod';
import { type Deployment, parseDeployment } from './deploy-file.ts';

/** The Kafka events of a function. */
export interface EventSource {
  topic: string;
  groupId: string;
  batchSize: number;
}

export type FunctionKind = 'http' | 'kafka' | 'websocket' | 'schedule' | 'operations';

export interface FunctionOfService {
  /** In serverless.yml. */
  name: string;
  /** On AWS: `streamsync-prod-get-me`. */
  lambdaName: string;
  kind: FunctionKind;
  /** Seconds. */
  timeout: number;
  eventSources: readonly EventSource[];
  /** The ids of its resources in the template. */
  role: string;
  logGroup: string;
}

/** What the template of a deployment is made of, from the service that Serverless has resolved. */
export interface Service {
  stage: string;
  deployment: Deployment;
  functions: readonly FunctionOfService[];
}

/** What is used of `provider.naming` of Serverless. */
export interface Naming {
  getNormalizedFunctionName(functionName: string): string;
  getLogGroupLogicalId(functionName: string): string;
}

const mskSchema = z.looseObject({
  topic: z.string(),
  consumerGroupId: z.string(),
  batchSize: z.int(),
});

const functionSchema = z.looseObject({
  name: z.string(),
  handler: z.string().regex(/^handlers\/(?:http|kafka|websocket|schedule|operations)\//),
  timeout: z.number().optional(),
  events: z.array(z.looseObject({ msk: mskSchema.optional() })).default([]),
});

const serviceSchema = z.looseObject({
  provider: z.looseObject({ stage: z.string(), timeout: z.number() }),
  custom: z.looseObject({ deployment: z.unknown() }),
  functions: z.record(z.string(), functionSchema),
});

/** Throws if the stage has no deploy file, or a function no kind. */
export function readService(resolved: unknown, naming: Naming): Service {
  const { provider, custom, functions } = serviceSchema.parse(resolved);
  if (provider.stage === 'local')
    throw new Error(
      'The stage local is that of npm start: name that of a deploy file with --stage',
    );
  return {
    stage: provider.stage,
    deployment: parseDeployment(custom.deployment, `deploy.${provider.stage}.yml`),
    functions: Object.entries(functions).map(
      ([name, { name: lambdaName, handler, timeout, events }]) => ({
        name,
        lambdaName,
        kind: kindOf(handler),
        timeout: timeout ?? provider.timeout,
        eventSources: events.flatMap(({ msk }) =>
          msk ? [{ topic: msk.topic, groupId: msk.consumerGroupId, batchSize: msk.batchSize }] : [],
        ),
        role: `${naming.getNormalizedFunctionName(name)}Role`,
        logGroup: naming.getLogGroupLogicalId(name),
      }),
    ),
  };
}

/** The directory of a handler is the kind of its function. */
const kindOf = (handler: string): FunctionKind => kindSchema.parse(handler.split('/')[1]);

const kindSchema = z.enum(['http', 'kafka', 'websocket', 'schedule', 'operations']);
