/**
 * Reads the settings of the plugin from the resolved serverless.yml: the functions with `msk` or `kafka` events, one
 * mapping for each such event, and `custom.offlineKafka`.
 */
import { z } from 'zod';
import {
  type FunctionSettings,
  functionConflicts,
  functionSchema,
  functionSettings,
  providerSchema,
} from './function-settings.ts';
import {
  type EventSettings,
  extensionSchema,
  isMappingId,
  kafkaSchema,
  logicalIdOf,
  type MappingSettings,
  mappingConflicts,
  mappingSettings,
  mskSchema,
} from './mapping-settings.ts';
import { type PluginSettings, pluginSchema } from './plugin-settings.ts';

export interface Settings {
  plugin: PluginSettings | undefined;
  region: string;
  functions: readonly FunctionSettings[];
  mappings: readonly MappingSettings[];
}

/** The account id of LocalStack. */
const accountId = '000000000000';

const eventSchema = z.looseObject({ msk: mskSchema.optional(), kafka: kafkaSchema.optional() });

const resourceSchema = z.looseObject({
  Type: z.string().optional(),
  Properties: z.looseObject({}).optional(),
});

const resourcesSchema = z.looseObject({
  Resources: z.record(z.string(), resourceSchema).nullish(),
  extensions: z.record(z.string(), z.unknown()).nullish(),
});

const serviceSchema = z.looseObject({
  service: z.string(),
  provider: providerSchema,
  functions: z
    .record(
      z.string(),
      functionSchema.extend({
        // Events of other kinds may be plain strings.
        events: z
          .array(z.preprocess((event) => (typeof event === 'string' ? {} : event), eventSchema))
          .default([]),
      }),
    )
    .default({}),
  custom: z.looseObject({ offlineKafka: pluginSchema.optional() }).default({}),
  resources: z
    .union([z.array(resourcesSchema), resourcesSchema.transform((one) => [one])])
    .default([]),
});

type Service = z.output<typeof serviceSchema>;

interface Mapping {
  functionKey: string;
  id: string;
  settings: EventSettings;
}

function mappingsIn({ functions }: Service): Mapping[] {
  return Object.entries(functions).flatMap(([functionKey, { events }]) =>
    events.flatMap(({ msk, kafka }) => {
      const settings: EventSettings[] = [
        ...(msk === undefined ? [] : [{ type: 'msk' as const, event: msk }]),
        ...(kafka === undefined ? [] : [{ type: 'kafka' as const, event: kafka }]),
      ];
      return settings.map((each) => ({
        functionKey,
        id: logicalIdOf(functionKey, each),
        settings: each,
      }));
    }),
  );
}

type Extensions = ReadonlyMap<string, z.output<typeof extensionSchema>>;

/** Returns the extensions of mappings by logical id. Throws with the place of a wrong one. */
function extensionsIn({ resources }: Service): Extensions {
  const found = resources
    .flatMap(({ extensions }) => Object.entries(extensions ?? {}))
    .filter(([id]) => isMappingId(id));
  return new Map(
    found.map(([id, extension]) => {
      const parsed = extensionSchema.safeParse(extension);
      if (!parsed.success)
        throw new Error(
          `offline-kafka: resources.extensions.${id}\n${z.prettifyError(parsed.error)}`,
        );
      return [id, parsed.data];
    }),
  );
}

/** Returns an error text for each broken rule between settings. */
function conflictsIn(
  service: Service,
  settings: Settings,
  mappings: readonly Mapping[],
  extensions: Extensions,
): string[] {
  const { plugin } = settings;
  const active = settings.mappings;
  const byGroup = Map.groupBy(active, ({ groupId }) => groupId);
  const kafkaFunctions = new Set(settings.functions.map(({ key }) => key));
  const ids = new Set(mappings.map(({ id }) => id));
  const ofOtherFunctions = (['keepWarm', 'inspect'] as const).flatMap((name) =>
    Object.keys(plugin?.[name] ?? {})
      // A deployment may leave out the events of a function whose part it does not have.
      .filter((key) => !kafkaFunctions.has(key) && service.functions[key]?.events.length !== 0)
      .map(
        (key) => `custom.offlineKafka.${name}.${key}: no function of this name has a Kafka event`,
      ),
  );
  return [
    ...(active.length > 0 && (plugin?.brokers ?? []).length === 0
      ? ['custom.offlineKafka.brokers: required by the Kafka events ("host:port,host:port")']
      : []),
    ...(plugin?.s3Endpoint === undefined && active.some((it) => it.destination?.type === 's3')
      ? ['custom.offlineKafka.s3Endpoint: required by the on-failure destinations in S3']
      : []),
    ...[...byGroup].flatMap(([groupId, { length }]) =>
      length > 1
        ? [`consumerGroupId "${groupId}": used by ${length} Kafka events, must be unique`]
        : [],
    ),
    ...ofOtherFunctions,
    ...[...extensions.keys()]
      .filter((id) => !ids.has(id))
      .map((id) => `resources.extensions.${id}: no Kafka event has this logical id`),
    ...service.resources
      .flatMap(({ Resources }) => Object.entries(Resources ?? {}))
      .filter(
        ([, it]) => it.Type === 'AWS::Lambda::EventSourceMapping' && it.Properties?.['Topics'],
      )
      .map(([id]) => `resources.Resources.${id}: only mappings of events are simulated`),
    ...settings.functions.flatMap(functionConflicts),
  ];
}

/**
 * Returns the settings of `resolved`, the service as Serverless resolved it (`serverless.service`); `serviceDir` is the
 * directory of serverless.yml, `parent` the environment of Serverless. Throws an Error that names every wrong setting.
 */
export function parseSettings(
  resolved: unknown,
  serviceDir: string,
  parent: NodeJS.ProcessEnv,
): Settings {
  const parsed = serviceSchema.safeParse(resolved);
  if (!parsed.success)
    throw new Error(`offline-kafka: serverless.yml\n${z.prettifyError(parsed.error)}`);
  const service = parsed.data;
  const plugin = service.custom.offlineKafka;
  const all = mappingsIn(service);
  const extensions = extensionsIn(service);

  const enabled = all.filter(({ settings }) => settings.event.enabled);
  const functionKeys = new Set(enabled.map(({ functionKey }) => functionKey));
  const functions = Object.entries(service.functions)
    .filter(([key]) => functionKeys.has(key))
    .map(([key, definition]) =>
      functionSettings(key, definition, {
        provider: service.provider,
        plugin,
        accountId,
        taskRoot: serviceDir,
        parent,
      }),
    );
  const arns = new Map(functions.map(({ key, arn }) => [key, arn]));
  const mappings = enabled.map(({ functionKey, id, settings }) => {
    const extension = extensions.get(id);
    const context = {
      service: service.service,
      region: service.provider.region,
      accountId,
      functionKey,
      functionArn: arns.get(functionKey) ?? '',
      brokers: plugin?.brokers ?? [],
      deliversLargeRecords: plugin?.deliverLargeRecords ?? false,
    };
    const mapping = mappingSettings(context, settings, extension);
    const place = `functions.${functionKey}.events: ${settings.type} of ${mapping.topic}`;
    return { mapping, conflicts: mappingConflicts(place, settings, mapping, extension) };
  });
  const result = {
    plugin,
    region: service.provider.region,
    functions,
    mappings: mappings.map(({ mapping }) => mapping),
  };
  const conflicts = [
    ...mappings.flatMap((it) => it.conflicts),
    ...conflictsIn(service, result, all, extensions),
  ];
  if (conflicts.length > 0)
    throw new Error(
      `offline-kafka: serverless.yml\n${conflicts.map((line) => `✖ ${line}`).join('\n')}`,
    );
  return result;
}
