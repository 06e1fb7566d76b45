/**
 * What the plugin needs to know of a service, read from the resolved serverless.yml: the functions
 * with `msk` events, one mapping for each such event, and `custom.offlineKafka`.
 *
 * Defaults and limits are AWS's. What has no meaning on one machine (authentication, pollers) is
 * accepted and ignored; what would change which records a function sees (filters, AT_TIMESTAMP) is
 * refused.
 */
import { z } from 'zod';

export interface FunctionSettings {
  /** Its key in serverless.yml, after which its processes are named. */
  readonly key: string;
  readonly arn: string;
  readonly timeoutMs: number;
  /** Directory that `handler` is relative to, the working directory of its processes. */
  readonly taskRoot: string;
  /** The variables of its processes, over those of Serverless itself. */
  readonly environment: Readonly<Record<string, string>>;
  /** Processes that are always running. */
  readonly keepWarm: number;
}

export interface MappingSettings {
  readonly functionKey: string;
  readonly eventSourceArn: string;
  readonly bootstrapServers: string;
  readonly topic: string;
  readonly groupId: string;
  readonly batchSize: number;
  readonly windowMs: number;
  readonly fromBeginning: boolean;
}

export interface Settings {
  readonly brokers: readonly string[];
  readonly functions: readonly FunctionSettings[];
  readonly mappings: readonly MappingSettings[];
}

/** No account exists locally; this is the one LocalStack uses. */
const ACCOUNT = '000000000000';

/** AWS takes no function with a longer timeout as the target of a Kafka mapping. */
const MAX_TIMEOUT_SECONDS = 14 * 60;

/** The shortest window, which AWS applies when none is set. `0` is dropped by `serverless package`, so it is this too. */
const DEFAULT_WINDOW_MS = 500;

const Msk = z.strictObject({
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

const Environment = z.record(z.string(), z.unknown()).default({});

const FunctionDefinition = z.looseObject({
  name: z.string(),
  handler: z.string().optional(),
  timeout: z.number().positive().optional(),
  memorySize: z.int().positive().optional(),
  runtime: z.string().optional(),
  environment: Environment,
  // An event may be just a string, and then is none of ours.
  events: z
    .array(
      z.preprocess(
        (event) => (typeof event === 'string' ? {} : event),
        z.looseObject({ msk: Msk.optional() }),
      ),
    )
    .default([]),
});

const OfflineKafka = z.strictObject({
  brokers: z.string().transform((list) =>
    list
      .split(',')
      .map((broker) => broker.trim())
      .filter((broker) => broker !== ''),
  ),
  keepWarm: z.record(z.string(), z.coerce.number().int().min(0)).default({}),
});

const Service = z.looseObject({
  service: z.string(),
  provider: z.looseObject({
    region: z.string().default('us-east-1'),
    runtime: z.string().optional(),
    timeout: z.number().positive().default(6),
    memorySize: z.int().positive().default(1024),
    environment: Environment,
  }),
  functions: z.record(z.string(), FunctionDefinition).default({}),
  custom: z.looseObject({ offlineKafka: OfflineKafka.optional() }).default({}),
});

type Service = z.output<typeof Service>;
type FunctionDefinition = z.output<typeof FunctionDefinition>;

const activeMskEvents = ({ events }: FunctionDefinition): z.output<typeof Msk>[] =>
  events.flatMap(({ msk }) => (msk?.enabled ? [msk] : []));

/** Variables that CloudFormation would compute (`Ref`, `Fn::…`) have no value here and are left out. */
const plainVariables = (environment: Record<string, unknown>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(environment).flatMap(([name, value]) =>
      typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
        ? [[name, String(value)]]
        : [],
    ),
  );

const functionSettings = (
  service: Service,
  key: string,
  definition: FunctionDefinition,
  taskRoot: string,
): FunctionSettings => {
  const { provider } = service;
  const { name } = definition;
  return {
    key,
    arn: `arn:aws:lambda:${provider.region}:${ACCOUNT}:function:${name}`,
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
};

const mappingSettings = (
  service: Service,
  functionKey: string,
  msk: z.output<typeof Msk>,
): MappingSettings => ({
  functionKey,
  eventSourceArn:
    typeof msk.arn === 'string'
      ? msk.arn
      : `arn:aws:kafka:${service.provider.region}:${ACCOUNT}:cluster/local/unresolved`,
  bootstrapServers: service.custom.offlineKafka?.brokers.join(',') ?? '',
  topic: msk.topic,
  groupId: msk.consumerGroupId ?? `${service.service}-${functionKey}-${msk.topic}`,
  batchSize: msk.batchSize,
  windowMs: msk.maximumBatchingWindow === 0 ? DEFAULT_WINDOW_MS : msk.maximumBatchingWindow * 1000,
  fromBeginning: msk.startingPosition === 'TRIM_HORIZON',
});

/** Rules between settings, each broken one as a sentence. */
const contradictions = (service: Service, settings: Settings): string[] => {
  const byGroup = Map.groupBy(settings.mappings, ({ groupId }) => groupId);
  const kafkaFunctions = new Set(settings.functions.map(({ key }) => key));
  return [
    ...(settings.mappings.length > 0 && settings.brokers.length === 0
      ? ['custom.offlineKafka.brokers: needed, as there are msk events ("host:port,host:port")']
      : []),
    ...[...byGroup].flatMap(([groupId, mappings]) =>
      mappings.length > 1
        ? [
            `consumerGroupId "${groupId}": used by ${mappings.length} msk events, must be unique for each`,
          ]
        : [],
    ),
    ...Object.keys(service.custom.offlineKafka?.keepWarm ?? {}).flatMap((key) =>
      kafkaFunctions.has(key)
        ? []
        : [`custom.offlineKafka.keepWarm.${key}: no function of this name has an msk event`],
    ),
    ...settings.functions.flatMap(({ key, timeoutMs, environment: { _HANDLER: handler } }) => [
      ...(timeoutMs > MAX_TIMEOUT_SECONDS * 1000
        ? [
            `functions.${key}.timeout: ${timeoutMs / 1000} s, a Kafka function has ${MAX_TIMEOUT_SECONDS} s at most`,
          ]
        : []),
      ...(handler === '' ? [`functions.${key}.handler: missing`] : []),
    ]),
  ];
};

/**
 * @param resolved the service as Serverless resolved it (`serverless.service`)
 * @param serviceDir where serverless.yml is
 * @throws {Error} naming every setting that is wrong
 */
export const parseSettings = (resolved: unknown, serviceDir: string): Settings => {
  const parsed = Service.safeParse(resolved);
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

  const wrong = contradictions(service, settings);
  if (wrong.length > 0)
    throw new Error(
      `offline-kafka: serverless.yml\n${wrong.map((line) => `✖ ${line}`).join('\n')}`,
    );
  return settings;
};
