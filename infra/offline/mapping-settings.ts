/**
 * The settings of event source mappings: those of the `msk` and `kafka` events, and the properties that
 * `resources.extensions` adds to them in a deployment, because Serverless has no setting for these.
 *
 * Defaults and limits are those of AWS. Settings of the network and of authentication have no meaning on one machine.
 * Everything else that is not simulated is an error.
 */
import { z } from 'zod';
import { type Filter, filterSchema } from './filter.ts';

type DestinationSettings = { type: 'kafka'; topic: string } | { type: 's3'; bucket: string };

export interface MappingSettings {
  functionKey: string;
  functionArn: string;
  /** Of a cluster of Amazon MSK; undefined for a self-managed one. */
  eventSourceArn: string | undefined;
  bootstrapServers: string;
  topic: string;
  groupId: string;
  /** The number of event pollers. A batch has records of one of them. */
  pollers: number;
  batchSize: number;
  windowMs: number;
  /** Where a group without committed offsets begins: a number is a time, in milliseconds since 1970. */
  start: 'TRIM_HORIZON' | 'LATEST' | number;
  /** A record is delivered if one of them matches. An empty list delivers all. */
  filters: readonly Filter[];
  reportsFailures: boolean;
  bisects: boolean;
  /** `Infinity` for no limit, as is `maxAgeMs`. */
  maxRetries: number;
  maxAgeMs: number;
  destination: DestinationSettings | undefined;
  /** Whether the function is invoked with a record that no payload of AWS has room for. */
  deliversLargeRecords: boolean;
}

/** The window of AWS if none is set, and the shortest. `serverless package` drops a `0`, so it means the same. */
const defaultWindowMs = 500;

/** AWS retries so often at most if there is a destination. */
const maxRetriesWithDestination = 10;

/** An ARN, or its place in a template: `Ref` or `Fn::ImportValue`. */
const arnSchema = z.union([z.string(), z.record(z.string(), z.string())]);

const destinationSchema = z.string().transform((text, context): DestinationSettings => {
  const [, topic] = /^kafka:\/\/([^.][\w.-]{0,248})$/.exec(text) ?? [];
  if (topic !== undefined) return { type: 'kafka', topic };
  const [, bucket] = /^arn:aws[\w-]*:s3:::([\w.-]+)$/.exec(text) ?? [];
  if (bucket !== undefined) return { type: 's3', bucket };
  context.addIssue({
    code: 'custom',
    message: `${text} is not simulated: kafka://<topic> and arn:aws:s3:::<bucket> are`,
  });
  return z.NEVER;
});

const commonSettings = {
  topic: z.string().min(1),
  batchSize: z.int().min(1).max(10_000).default(100),
  maximumBatchingWindow: z.int().min(0).max(300).default(0),
  startingPosition: z.enum(['TRIM_HORIZON', 'LATEST', 'AT_TIMESTAMP']).default('TRIM_HORIZON'),
  startingPositionTimestamp: z.number().positive().optional(),
  consumerGroupId: z.string().min(1).max(200).optional(),
  enabled: z.boolean().default(true),
  filterPatterns: z.array(filterSchema).min(1).max(10).default([]),
  provisionedPollerConfig: z
    .strictObject({
      minimumPollers: z.int().min(1).max(200).default(1),
      maximumPollers: z.int().min(1).max(2000).default(200),
    })
    .optional(),
};

export const mskSchema = z.strictObject({
  ...commonSettings,
  arn: arnSchema,
  saslScram512: arnSchema.optional(),
});

const arnsSchema = z.array(z.unknown()).min(1).optional();

export const kafkaSchema = z.strictObject({
  ...commonSettings,
  bootstrapServers: z.array(z.string()).min(1),
  accessConfigurations: z.strictObject({
    vpcSubnet: arnsSchema,
    vpcSecurityGroup: arnsSchema,
    saslPlainAuth: arnsSchema,
    saslScram256Auth: arnsSchema,
    saslScram512Auth: arnsSchema,
    clientCertificateTlsAuth: arnsSchema,
    serverRootCaCertificate: arnsSchema,
  }),
  onFailureDestination: destinationSchema.optional(),
});

/** What `resources.extensions` may add to a mapping. -1 means no limit. */
export const extensionSchema = z.strictObject({
  Properties: z.strictObject({
    FunctionResponseTypes: z.array(z.literal('ReportBatchItemFailures')).max(1).default([]),
    BisectBatchOnFunctionError: z.boolean().default(false),
    MaximumRetryAttempts: z.int().min(-1).max(10_000).default(-1),
    MaximumRecordAgeInSeconds: z.union([z.literal(-1), z.int().min(60).max(604_800)]).default(-1),
    DestinationConfig: z
      .strictObject({ OnFailure: z.strictObject({ Destination: destinationSchema }) })
      .optional(),
  }),
});

type MskSettings = z.output<typeof mskSchema>;
type KafkaSettings = z.output<typeof kafkaSchema>;
export type EventSettings =
  | { type: 'msk'; event: MskSettings }
  | { type: 'kafka'; event: KafkaSettings };
type Extension = z.output<typeof extensionSchema>;

const alphanumeric = (name: string): string => {
  const text = name.replaceAll(/[^0-9A-Za-z]/g, '');
  return text.charAt(0).toUpperCase() + text.slice(1);
};

/** Returns the name of the cluster in the logical id of its mappings. */
function clusterOf(arn: z.output<typeof arnSchema>): string {
  if (typeof arn === 'string') return arn.split('/')[1] ?? '';
  return arn['Fn::ImportValue'] ?? arn['Ref'] ?? '';
}

/** Returns the logical id that Serverless gives a mapping in the template: the name of its extension. */
export function logicalIdOf(functionKey: string, { type, event }: EventSettings): string {
  const key = functionKey.replaceAll('-', 'Dash').replaceAll('_', 'Underscore');
  const prefix = `${key.charAt(0).toUpperCase()}${key.slice(1)}EventSourceMapping`;
  return type === 'msk'
    ? `${prefix}MSK${alphanumeric(clusterOf(event.arn)).slice(0, 79)}${alphanumeric(event.topic).slice(0, 79)}`
    : `${prefix}Kafka${alphanumeric(event.topic).slice(0, 158)}`;
}

/** Whether a logical id is that of a mapping of a Kafka event. */
export const isMappingId = (id: string): boolean => /EventSourceMapping(MSK|Kafka)/.test(id);

const orNone = (limit: number): number => (limit === -1 ? Infinity : limit);

/** What the mappings of a service have in common. */
interface MappingContext {
  service: string;
  region: string;
  accountId: string;
  functionKey: string;
  functionArn: string;
  brokers: readonly string[];
  deliversLargeRecords: boolean;
}

export function mappingSettings(
  {
    service,
    region,
    accountId,
    functionKey,
    functionArn,
    brokers,
    deliversLargeRecords,
  }: MappingContext,
  settings: EventSettings,
  extension: Extension | undefined,
): MappingSettings {
  const { type, event } = settings;
  const arn =
    type === 'kafka' || typeof event.arn === 'string'
      ? undefined
      : `arn:aws:kafka:${region}:${accountId}:cluster/local/unresolved`;
  const properties = extension?.Properties;
  const destination =
    (type === 'kafka' ? event.onFailureDestination : undefined) ??
    properties?.DestinationConfig?.OnFailure.Destination;
  const maxRetries = orNone(properties?.MaximumRetryAttempts ?? -1);
  const { startingPosition: position, startingPositionTimestamp: seconds = 0 } = event;
  return {
    functionKey,
    functionArn,
    eventSourceArn: type === 'msk' && typeof event.arn === 'string' ? event.arn : arn,
    bootstrapServers: brokers.join(','),
    deliversLargeRecords,
    topic: event.topic,
    groupId: event.consumerGroupId ?? `${service}-${functionKey}-${event.topic}`,
    // Their number does not change with the load: a mapping on demand keeps the one that may get all partitions.
    pollers: event.provisionedPollerConfig?.minimumPollers ?? 1,
    batchSize: event.batchSize,
    windowMs:
      event.maximumBatchingWindow === 0 ? defaultWindowMs : event.maximumBatchingWindow * 1000,
    start: position === 'AT_TIMESTAMP' ? seconds * 1000 : position,
    filters: event.filterPatterns,
    reportsFailures: (properties?.FunctionResponseTypes.length ?? 0) > 0,
    bisects: properties?.BisectBatchOnFunctionError ?? false,
    maxRetries:
      destination === undefined || maxRetries !== Infinity ? maxRetries : maxRetriesWithDestination,
    maxAgeMs: orNone(properties?.MaximumRecordAgeInSeconds ?? -1) * 1000,
    destination,
  };
}

/** Returns what AWS refuses in a mapping that is well-formed. `place` names it. */
export function mappingConflicts(
  place: string,
  { event }: EventSettings,
  { reportsFailures, bisects, maxAgeMs, destination, topic }: MappingSettings,
  extension: Extension | undefined,
): string[] {
  const { minimumPollers = 1, maximumPollers = 1 } = event.provisionedPollerConfig ?? {};
  const hasTimestamp = event.startingPositionTimestamp !== undefined;
  const needsProvisioned = [
    ...(reportsFailures ? ['FunctionResponseTypes'] : []),
    ...(bisects ? ['BisectBatchOnFunctionError'] : []),
    ...(maxAgeMs === Infinity ? [] : ['MaximumRecordAgeInSeconds']),
    ...((extension?.Properties.MaximumRetryAttempts ?? -1) === -1 ? [] : ['MaximumRetryAttempts']),
    ...(destination?.type === 'kafka' ? ['a Kafka topic as destination'] : []),
  ];
  return [
    ...((event.startingPosition === 'AT_TIMESTAMP') === hasTimestamp
      ? []
      : [`${place}: AT_TIMESTAMP and startingPositionTimestamp need each other`]),
    ...(minimumPollers > maximumPollers
      ? [`${place}: minimumPollers is more than maximumPollers`]
      : []),
    ...(event.provisionedPollerConfig === undefined
      ? needsProvisioned.map((name) => `${place}: ${name} needs provisionedPollerConfig`)
      : []),
    ...(destination?.type === 'kafka' && destination.topic === topic
      ? [`${place}: the topic is its own on-failure destination`]
      : []),
  ];
}
