import type { DeliveryTarget } from '../batch-delivery.ts';
import type { FunctionSettings } from '../function-settings.ts';
import type { MappingSettings } from '../mapping-settings.ts';

/** Returns the settings of a mapping of the topic `t` to the function `f`. */
export function testMapping(settings: Partial<MappingSettings> = {}): MappingSettings {
  return {
    functionKey: 'f',
    functionArn: 'arn:f',
    eventSourceArn: 'arn:k',
    bootstrapServers: 'b:9092',
    topic: 't',
    groupId: 'g',
    pollers: 1,
    batchSize: 100,
    windowMs: 500,
    start: 'TRIM_HORIZON',
    filters: [],
    reportsFailures: false,
    bisects: false,
    maxRetries: Infinity,
    maxAgeMs: Infinity,
    destination: undefined,
    deliversLargeRecords: false,
    ...settings,
  };
}

/** Returns the settings of the function `f`. */
export function testFunction(settings: Partial<FunctionSettings> = {}): FunctionSettings {
  return {
    key: 'f',
    arn: 'arn:f',
    timeoutMs: 1000,
    memoryMb: 512,
    taskRoot: '/',
    environment: {},
    keepWarm: 0,
    inspectPort: undefined,
    freezes: false,
    ...settings,
  };
}

/** For tests in which no record is given up. */
export const noDestinations: DeliveryTarget['destinations'] = {
  send: () => Promise.reject(new Error('a record was given up')),
};
