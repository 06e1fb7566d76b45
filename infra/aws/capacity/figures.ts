/** What the model of capacity and cost calculates with: measured figures, limits of the design, and prices. */

/**
 * Rows a second of one export, from docs/performance.md ("Time"): 2,000,000 rows of about 100 bytes on two shared cores,
 * which also ran the database, Kafka and the storage. A Lambda function with 3,538 MB has two cores for itself; what it
 * reaches there was not measured.
 */
export const rowsPerSecond = {
  csv: 1_136_000,
  'csv, zstd': 1_136_000,
  'ndjson, zstd': 1_351_000,
  'parquet, zstd': 1_923_000,
} as const;
export type FileKind = keyof typeof rowsPerSecond;

/** Bytes of the file for each row of those tables. */
export const bytesPerRow = {
  csv: 102,
  'csv, zstd': 27.2,
  'ndjson, zstd': 28.5,
  'parquet, zstd': 10.8,
} as const satisfies Record<FileKind, number>;

/**
 * CPU seconds for 1,000,000 of these rows, from docs/performance.md ("The floor", "Time"): of the source's backend, and of the
 * worker, with its upload.
 */
export const cpuSecondsPerMillionRows = {
  csv: { source: 1.02, worker: 0.33 },
  'csv, zstd': { source: 1.02, worker: 0.51 },
  'ndjson, zstd': { source: 0.7, worker: 0.52 },
  'parquet, zstd': { source: 0.56, worker: 0.35 },
} as const satisfies Record<FileKind, { source: number; worker: number }>;

/** Of resumable exports (`npm run bench -- units`). */
export const unitFigures = {
  /** `unitSeconds` and `maxUnits` of lib/exports/planning/plan.ts: 60 s, by the estimate for such rows. */
  rowsPerUnit: 37_000_000,
  maxUnits: 1_000,
  /** CPU seconds that a unit costs whatever its size: claim, snapshot, an object of its own. */
  overhead: { source: 0.04, worker: 0.06 },
  /** At which one worker reads and hashes the assembled file: 1.2 CPU seconds for 204 MB. */
  verifiedBytesPerSecond: 165e6,
} as const;

export const figures = {
  /** From the request to `ready` of an export of few rows, of which a slot is in use for the most part: measured 0.16. */
  overheadSeconds: 0.2,
  /** Units that run at a time: partitions of `exports.work`. */
  slots: 4,
  /** Connections that a unit reads a large table with (`maxReadersPerExport` of a source). */
  readers: 2,
  /** GB of memory of the export worker. */
  workerGigabytes: 3_538 / 1_024,
  /** Assumed invocations of functions for one export: request, polls, results, download, delivery. */
  invocationsPerExport: 40,
  /** Assumed GB-seconds of each: 0.1 s with 1 GB. */
  gigabyteSecondsPerInvocation: 0.1,
} as const;

/**
 * US dollars, list prices of us-east-1 as they are known to the authors. Look them up before you decide on them:
 * https://calculator.aws.
 */
export const prices = {
  lambdaGigabyteSecond: 0.0000133334,
  lambdaMillionRequests: 0.2,
  apiMillionRequests: 1,
  /** kafka.t3.small */
  brokerHour: 0.0456,
  /** Of brokers and database. */
  volumeGigabyteMonth: 0.115,
  /** db.t4g.medium in one zone. */
  databaseHour: 0.065,
  /** Half a core and 1 GB of Fargate for ARM. */
  doorHour: 0.5 * 0.03238 + 0.00356,
  balancerHour: 0.0225,
  balancerGigabyte: 0.006,
  natHour: 0.045,
  storageGigabyteMonth: 0.023,
  storageThousandPuts: 0.005,
  internetGigabyte: 0.09,
  logGigabyte: 0.5,
} as const;

/** What a deployment with `infra/aws/foundation.yml` and `infra/aws/door.yml` has whatever it exports. */
export const fixed = {
  brokers: 3,
  brokerGigabytes: 100,
  /** One in each of two zones. */
  databases: 2,
  databaseGigabytes: 50,
  doors: 2,
} as const;

export const hoursPerMonth = 730;
export const daysPerMonth = 30;
