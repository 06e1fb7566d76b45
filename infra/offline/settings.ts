/**
 * Reads the settings of the plugin from the resolved serverless.yml: the functions with `msk` events,
 * one mapping for each such event, and `custom.offlineKafka`.
 *
 * Defaults and limits are those of AWS. Settings without meaning on one machine (authentication,
 * pollers) are ignored; settings that would change which records a function gets (filters,
 * AT_TIMESTAMP) are errors.
 */
import { z } from 'zod';

export interface FunctionSettings {
  /** Key of the function in serverless.yml, the prefix of its processes' names. */
  key: string;
  arn: string;
  timeoutMs: number;
  /** Working directory of the processes, to which `handler` is relative. */
  taskRoot: string;
  /** Variables of the processes, which override those of Serverless. */
  environment: Readonly<Record<string, string>>;
  /** Number of processes that always run. */
  keepWarm: number;
}

export interface MappingSettings {
  functionKey: string;
  eventSourceArn: string;
  bootstrapServers: string;
  topic: string;
  groupId: string;
  batchSize: number;
  windowMs: number;
  fromBeginning: boolean;
}

export interface Settings {
  brokers: readonly string[];
  functions: readonly FunctionSettings[];
  mappings: readonly MappingSettings[];
}

/** The account id of LocalStack. */
const accountId = '000000000000';

/** AWS rejects a Kafka mapping whose function has a longer timeout. */
const maxTimeoutSeconds = 14 * 60;

/** The window of AWS if none is set, and the shortest. `serverless package` drops a `0`, so it means the same. */
const defaultWindowMs = 500;

const mskSchema = z.strictObject({
  arn: z.union([z.string(), z.record(z.string(), z.unknown())]),
  topic: z.string().min(1),
  batchSize: z.int().min(1).max(10_000).default(100),
  maximumBatchingWindow: z.int().min(0).max(300).default(0),
  startingPosition: z.enum(['TRIM_HORIZON', 'LATEST']).default('TRIM_HORIZON'),
  consumerGroupId: z.string().min(1).max(200).optional(),
  enabled: z.boolean().default(true),
  saslScram512: z.unknown().optional(),
  provisionedPollerConfig: z.unknown().optional(),
});

const environmentSchema = z.record(z.string(), z.unknown()).default({});

const functionDefinitionSchema = z.looseObject({
  name: z.string(),
  handler: z.string().optional(),
  timeout: z.number().positive().optional(),
  memorySize: z.int().positive().optional(),
  runtime: z.string().optional(),
  environment: environmentSchema,
  // Events of other kinds may be plain strings.
  events: z
    .array(
      z.preprocess(
        (event) => (typeof event === 'string' ? {} : event),
        z.looseObject({ msk: mskSchema.optional() }),
      ),
    )
    .default([]),
});

const offlineKafkaSchema = z.strictObject({
  brokers: z.string().transform((list) =>
    list
      .split(',')
      .map((broker) => broker.trim())
      .filter((broker) => broker !== ''),
  ),
  keepWarm: z.record(z.string(), z.coerce.number().int().min(0)).default({}),
});

const serviceSchema = z.looseObject({
  service: z.string(),
  provider: z.looseObject({
    region: z.string().default('us-east-1'),
    runtime: z.string().optional(),
    timeout: z.number().positive().default(6),
    memorySize: z.int().positive().default(1024),
    environment: environmentSchema,
  }),
  functions: z.record(z.string(), functionDefinitionSchema).default({}),
  custom: z.looseObject({ offlineKafka: offlineKafkaSchema.optional() }).default({}),
});

type Service = z.output<typeof serviceSchema>;
type FunctionDefinition = z.output<typeof functionDefinitionSchema>;

function activeMskEvents({ events }: FunctionDefinition): z.output<typeof mskSchema>[] {
  return events.flatMap(({ msk }) => (msk?.enabled ? [msk] : []));
}

/** Leaves out variables that CloudFormation would compute (`Ref`, `Fn::…`): they have no value here. */
function plainVariables(environment: Record<string, unknown>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(environment).flatMap(([name, value]) =>
      typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
        ? [[name, String(value)]]
        : [],
    ),
  );
}

function functionSettings(
  service: Service,
  key: string,
  definition: FunctionDefinition,
  taskRoot: string,
): FunctionSettings {
  const { provider } = service;
  const { name } = definition;
  return {
    key,
    arn: `arn:aws:lambda:${provider.region}:${accountId}:function:${name}`,
    timeoutMs: (definition.timeout ?? provider.timeout) * 1000,
    taskRoot,
    keepWarm: service.custom.offlineKafka?.keepWarm[key] ?? 0,
    environment: {
      TZ: ':UTC',
      IS_OFFLINE: 'true',
      ...plainVariables(provider.environment),
      ...plainVariables(definition.environment),
      _HANDLER: definition.handler ?? '',
      LAMBDA_TASK_ROOT: taskRoot,
      AWS_REGION: provider.region,
      AWS_DEFAULT_REGION: provider.region,
      AWS_EXECUTION_ENV: `AWS_Lambda_${definition.runtime ?? provider.runtime ?? 'nodejs24.x'}`,
      AWS_LAMBDA_INITIALIZATION_TYPE: 'on-demand',
      AWS_LAMBDA_FUNCTION_NAME: name,
      AWS_LAMBDA_FUNCTION_VERSION: '$LATEST',
      AWS_LAMBDA_FUNCTION_MEMORY_SIZE: String(definition.memorySize ?? provider.memorySize),
      AWS_LAMBDA_LOG_GROUP_NAME: `/aws/lambda/${name}`,
    },
  };
}

function mappingSettings(
  service: Service,
  functionKey: string,
  msk: z.output<typeof mskSchema>,
): MappingSettings {
  return {
    functionKey,
    eventSourceArn:
      typeof msk.arn === 'string'
        ? msk.arn
        : `arn:aws:kafka:${service.provider.region}:${accountId}:cluster/local/unresolved`,
    bootstrapServers: service.custom.offlineKafka?.brokers.join(',') ?? '',
    topic: msk.topic,
    groupId: msk.consumerGroupId ?? `${service.service}-${functionKey}-${msk.topic}`,
    batchSize: msk.batchSize,
    windowMs: msk.maximumBatchingWindow === 0 ? defaultWindowMs : msk.maximumBatchingWindow * 1000,
    fromBeginning: msk.startingPosition === 'TRIM_HORIZON',
  };
}

/** Returns an error text for each broken rule between settings. */
function conflictsIn(service: Service, settings: Settings): string[] {
  const byGroup = Map.groupBy(settings.mappings, ({ groupId }) => groupId);
  const kafkaFunctions = new Set(settings.functions.map(({ key }) => key));
  return [
    ...(settings.mappings.length > 0 && settings.brokers.length === 0
      ? ['custom.offlineKafka.brokers: required by the msk events ("host:port,host:port")']
      : []),
    ...[...byGroup].flatMap(([groupId, mappings]) =>
      mappings.length > 1
        ? [`consumerGroupId "${groupId}": used by ${mappings.length} msk events, must be unique`]
        : [],
    ),
    ...Object.keys(service.custom.offlineKafka?.keepWarm ?? {}).flatMap((key) =>
      // A deployment may leave out the events of a function whose part it does not have.
      kafkaFunctions.has(key) || service.functions[key]?.events.length === 0
        ? []
        : [`custom.offlineKafka.keepWarm.${key}: no function of this name has an msk event`],
    ),
    ...settings.functions.flatMap(({ key, timeoutMs, environment: { _HANDLER: handler } }) => [
      ...(timeoutMs > maxTimeoutSeconds * 1000
        ? [
            `functions.${key}.timeout: ${timeoutMs / 1000} s, the maximum for a Kafka function is ${maxTimeoutSeconds} s`,
          ]
        : []),
      ...(handler === '' ? [`functions.${key}.handler: missing`] : []),
    ]),
  ];
}

/**
 * Returns the settings of `resolved`, the service as Serverless resolved it (`serverless.service`); `serviceDir` is the
 * directory of serverless.yml. Throws an Error that names every wrong setting.
 */
export function parseSettings(resolved: unknown, serviceDir: string): Settings {
  const parsed = serviceSchema.safeParse(resolved);
  if (!parsed.success)
    throw new Error(`offline-kafka: serverless.yml\n${z.prettifyError(parsed.error)}`);
  const service = parsed.data;

  const active = Object.entries(service.functions).flatMap(([key, definition]) => {
    const events = activeMskEvents(definition);
    return events.length === 0 ? [] : [{ key, definition, events }];
  });
  const settings: Settings = {
    brokers: service.custom.offlineKafka?.brokers ?? [],
    functions: active.map(({ key, definition }) =>
      functionSettings(service, key, definition, serviceDir),
    ),
    mappings: active.flatMap(({ key, events }) =>
      events.map((msk) => mappingSettings(service, key, msk)),
    ),
  };

  const conflicts = conflictsIn(service, settings);
  if (conflicts.length > 0)
    throw new Error(
      `offline-kafka: serverless.yml\n${conflicts.map((line) => `✖ ${line}`).join('\n')}`,
    );
  return settings;
}
