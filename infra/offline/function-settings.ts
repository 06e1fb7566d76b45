/** The settings of the functions with Kafka events. */
import { z } from 'zod';
import type { PluginSettings } from './plugin-settings.ts';

export interface FunctionSettings {
  /** Key of the function in serverless.yml, the prefix of its processes' names. */
  key: string;
  arn: string;
  timeoutMs: number;
  memoryMb: number;
  /** Working directory of the processes, to which `handler` is relative. */
  taskRoot: string;
  /** All variables of the processes. */
  environment: Readonly<Record<string, string>>;
  /** Number of processes that always run. */
  keepWarm: number;
  /** Where a debugger reaches the first instance. */
  inspectPort: number | undefined;
  freezes: boolean;
}

/** AWS rejects a Kafka mapping whose function has a longer timeout. */
const maxTimeoutSeconds = 14 * 60;

const environmentSchema = z.record(z.string(), z.unknown()).default({});

/** The settings of a function that it may have from `provider`. */
const inheritedSettings = {
  runtime: z.string().optional(),
  environment: environmentSchema,
};

export const functionSchema = z.looseObject({
  ...inheritedSettings,
  name: z.string(),
  handler: z.string().optional(),
  timeout: z.number().positive().optional(),
  memorySize: z.int().positive().optional(),
});

export const providerSchema = z.looseObject({
  ...inheritedSettings,
  region: z.string().default('us-east-1'),
  timeout: z.number().positive().default(6),
  memorySize: z.int().positive().default(1024),
});

type FunctionDefinition = z.output<typeof functionSchema>;

/** Lambda's role has credentials; the other two are those of its runtime. */
const runtimeVariables = [
  'PATH',
  'AWS_ACCESS_KEY_ID',
  'AWS_SECRET_ACCESS_KEY',
  'AWS_SESSION_TOKEN',
];

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

function passedVariables(names: readonly string[], parent: NodeJS.ProcessEnv) {
  return plainVariables(Object.fromEntries(names.map((name) => [name, parent[name]])));
}

interface FunctionContext {
  provider: z.output<typeof providerSchema>;
  plugin: PluginSettings | undefined;
  accountId: string;
  taskRoot: string;
  /** The environment of Serverless. */
  parent: NodeJS.ProcessEnv;
}

export function functionSettings(
  key: string,
  definition: FunctionDefinition,
  { provider, plugin, accountId, taskRoot, parent }: FunctionContext,
): FunctionSettings {
  const { name } = definition;
  const memoryMb = definition.memorySize ?? provider.memorySize;
  return {
    key,
    arn: `arn:aws:lambda:${provider.region}:${accountId}:function:${name}`,
    timeoutMs: (definition.timeout ?? provider.timeout) * 1000,
    memoryMb,
    taskRoot,
    keepWarm: plugin?.keepWarm[key] ?? 0,
    inspectPort: plugin?.inspect[key],
    freezes: plugin?.freeze ?? false,
    environment: {
      ...passedVariables([...runtimeVariables, ...(plugin?.passEnvironment ?? [])], parent),
      LANG: 'en_US.UTF-8',
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
      AWS_LAMBDA_FUNCTION_MEMORY_SIZE: String(memoryMb),
      AWS_LAMBDA_LOG_GROUP_NAME: `/aws/lambda/${name}`,
    },
  };
}

/** Returns an error text for each setting of a function that AWS, or the simulation, does not accept. */
export function functionConflicts({ key, timeoutMs, environment }: FunctionSettings): string[] {
  const runtime = environment['AWS_EXECUTION_ENV']?.replace('AWS_Lambda_', '') ?? '';
  return [
    ...(timeoutMs > maxTimeoutSeconds * 1000
      ? [
          `functions.${key}.timeout: ${timeoutMs / 1000} s, the maximum for a Kafka function is ${maxTimeoutSeconds} s`,
        ]
      : []),
    ...(environment['_HANDLER'] === '' ? [`functions.${key}.handler: missing`] : []),
    ...(runtime.startsWith('nodejs')
      ? []
      : [`functions.${key}.runtime: ${runtime} is not simulated, nodejs is`]),
  ];
}
