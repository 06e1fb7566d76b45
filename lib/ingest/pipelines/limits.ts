import { sizes } from '../../contracts/sizes.ts';

/** Limits of the configuration and of the records of pipelines. */
export const limits = {
  /** Bytes of a file of a pipeline. */
  fileBytes: 65_536,
  /** Characters of an expression. */
  expressionCharacters: 4_096,
  /** Pipelines of a deployment: each is an event source of two functions. */
  pipelines: 50,
  /** Partitions of a topic. */
  partitions: 100,
  /** Columns of CSV. */
  columns: 1_000,
  /** Attributes that a pipeline names. */
  attributes: 50,
  /** Levels of nested arrays and objects in a record. */
  depth: sizes.depth,
  /** Readings of a record, those that the filter leaves out included. */
  readings: sizes.arrayItems,
  /** Characters of a unit. */
  unitCharacters: 64,
  /** Different units that a process converts for one pipeline: a producer must not fill its memory. */
  convertedUnits: 200,
  /** Bytes of the attributes of all readings of a record, as JSON: each of them may repeat the whole record. */
  attributeBytes: 4 * sizes.requestBytes,
} as const;
