/**
 * What each function uses beyond its own log and the catalogue: statements.ts makes rights of it, and plugin.ts limits.
 * access.test.ts compares it with the bundles, so a function that begins to use something fails the test.
 */

/**
 * - `createTopics`: creates those that are missing.
 * - `relay`: sends messages of the outbox. These can be for any topic: work, results, dead letters, replayed records.
 * - `publishReadings`: sends readings of a caller.
 * - `readDeadLetters`: reads the dead letter topics.
 * - `measureLag`: describes topics and groups of event sources.
 */
export type KafkaUse =
  | 'createTopics'
  | 'relay'
  | 'publishReadings'
  | 'readDeadLetters'
  | 'measureLag';

/** Actions of S3. The two that begin with List concern the bucket, the others its objects. */
export type StorageAction =
  | 'AbortMultipartUpload'
  | 'DeleteObject'
  | 'GetObject'
  | 'ListBucket'
  | 'ListBucketMultipartUploads'
  | 'PutObject';

export interface Access {
  kafka?: readonly KafkaUse[];
  storage?: readonly StorageAction[];
  /** Sends to live sockets, and closes them. */
  sockets?: true;
  /** Opens connections to sources. */
  sources?: true;
}

const accessOfFunctions: Readonly<Record<string, Access>> = {
  'list-sources': { sources: true },
  'list-source-states': { sources: true },
  'get-dataset': { sources: true },
  'get-histogram': { sources: true },
  'estimate-export': { sources: true },
  'preview-export': { sources: true },
  'list-series': { sources: true },
  'get-readings': { sources: true },
  'create-export': { sources: true, kafka: ['relay'] },
  'retry-export': { sources: true, kafka: ['relay'] },
  'delete-export': { kafka: ['relay'] },
  'acknowledge-export': { kafka: ['relay'] },
  'cancel-export': { kafka: ['relay'] },
  'resume-source': { kafka: ['relay'] },
  'list-dead-letters': { kafka: ['readDeadLetters'] },
  'discard-dead-letter': { kafka: ['readDeadLetters'] },
  'replay-dead-letter': { kafka: ['readDeadLetters', 'relay'] },
  'create-readings': { kafka: ['publishReadings'] },
  'get-health': { kafka: ['measureLag'], storage: ['ListBucket'] },
  'accept-export-request': { sources: true, kafka: ['relay'] },
  'record-delivery': { kafka: ['relay'] },
  'ingest-readings': { kafka: ['relay'] },
  'live-fanout': { sockets: true },
  'push-export-events': { sockets: true },
  'live-message': { sources: true, sockets: true },
  'export-worker': {
    sources: true,
    kafka: ['relay'],
    // Without ListBucket the HEAD of a missing object is answered with 403, not 404.
    storage: ['AbortMultipartUpload', 'GetObject', 'ListBucket', 'PutObject'],
  },
  prepare: { kafka: ['createTopics'], storage: ['ListBucket'] },
  sweep: {
    sources: true,
    kafka: ['relay'],
    sockets: true,
    storage: ['AbortMultipartUpload', 'DeleteObject', 'ListBucketMultipartUploads'],
  },
};

/** Returns what a function uses. Most only use the catalogue. */
export const accessOf = (functionName: string): Access => accessOfFunctions[functionName] ?? {};
