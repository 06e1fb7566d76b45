/**
 * The names of objects: `exports/<class>/<owner>/<export>/<attempt>`. The class is the number of days after which the
 * bucket deletes the object if no sweep did. Objects of earlier versions have no class.
 */
const dayClasses = [1, 7, 30] as const;
export type DayClass = (typeof dayClasses)[number];

const secondsPerDay = 86_400;

/** Returns the class of a file by the seconds that it is available. Throws if they are more than the largest class. */
export function dayClassOf(ttlSeconds: number): DayClass {
  const found = dayClasses.find((days) => ttlSeconds <= days * secondsPerDay);
  if (found === undefined) throw new Error(`no day class has ${ttlSeconds} s`);
  return found;
}

/** The class of unit outputs: an export may wait for a paused source before its file is assembled from them. */
export const unitOutputClass: DayClass = 30;

/** Returns the object key of an attempt. It contains the attempt's id, so two attempts never share a key. */
export const objectKeyOf = (ids: {
  dayClass: DayClass;
  ownerId: string;
  exportId: string;
  attemptId: string;
}): string => `${prefixOf(ids.dayClass)}${ids.ownerId}/${ids.exportId}/${ids.attemptId}`;

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** Returns the id of the export of an object, undefined if the key is not one of ours. */
export function exportIdOf(objectKey: string): string | undefined {
  const id = objectKey.split('/').at(-2);
  return id !== undefined && uuid.test(id) ? id : undefined;
}

const root = 'exports/';
const prefixOf = (dayClass: DayClass): string => `${root}${dayClass}d/`;

/** A rule of the bucket. */
export interface LifecycleRule {
  id: string;
  prefix: string;
  /** Days after its creation at which an object is deleted. */
  expirationDays: number;
  /** Days after its start at which an upload that is not completed is aborted. */
  abortDays: number;
}

/** Longer than an export may run after its upload began; the sweep aborts uploads much sooner. */
const abortDays = 2;
/** At most one day of transfer grace. */
const graceDays = 1;

/** The backstop of the sweep: serverless.yml has the same rules for the bucket of a deployment. */
export const lifecycleRules: readonly LifecycleRule[] = [
  ...dayClasses.map((days) => ({
    id: `exports-${days}d`,
    prefix: prefixOf(days),
    expirationDays: days + graceDays,
    abortDays,
  })),
  // Objects of earlier versions.
  { id: 'exports', prefix: root, expirationDays: 32, abortDays },
];
