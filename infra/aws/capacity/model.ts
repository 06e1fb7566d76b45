import {
  bytesPerRow,
  daysPerMonth,
  type FileKind,
  figures,
  fixed,
  hoursPerMonth,
  prices,
  rowsPerSecond,
} from './figures.ts';

export interface Load {
  kind: FileKind;
  exportsPerDay: number;
  /** Rows of an export, on average. */
  rows: number;
  /** Share of the exports of a day that come in its busiest hour. */
  busiestHour: number;
  /** Standard deviation of the time of an export, divided by its mean: few long exports among many short ones. */
  variation: number;
  /** Times that a file is fetched over the internet. */
  downloads: number;
  /** Days for which a file is kept. */
  keptDays: number;
  slots: number;
}

export interface Capacity {
  /** From the dispatch of an export to `ready`. */
  exportSeconds: number;
  /** Share of the busiest hour in which a slot is in use. The queue grows without limit from 1 on. */
  utilization: number;
  /** For a slot, in the busiest hour, on average; infinite from a utilization of 1 on. */
  waitSeconds: number;
  /** Exports a day at which the busiest hour has a utilization of 0.8. */
  maxExportsPerDay: number;
  /** To all sources together. */
  sourceConnections: number;
  gigabytesPerMonth: number;
}

export function capacityOf(load: Load): Capacity {
  const exportSeconds = figures.overheadSeconds + load.rows / rowsPerSecond[load.kind];
  const perSecond = (load.exportsPerDay * load.busiestHour) / 3_600;
  const utilization = (perSecond * exportSeconds) / load.slots;
  return {
    exportSeconds,
    utilization,
    waitSeconds: waitOf({ ...load, perSecond, seconds: exportSeconds }),
    maxExportsPerDay: Math.floor((0.8 * load.slots * 3_600) / (exportSeconds * load.busiestHour)),
    sourceConnections: load.slots * figures.readers,
    gigabytesPerMonth:
      (load.exportsPerDay * daysPerMonth * load.rows * bytesPerRow[load.kind]) / 1e9,
  };
}

export interface Queue {
  perSecond: number;
  /** Mean time of an export in a slot. */
  seconds: number;
  variation: number;
  slots: number;
}

/**
 * Returns the mean seconds for which an export waits for a slot, if exports come independently of each other: the formula
 * of Erlang for times without memory, corrected by Allen and Cunneen for others. Dispatch takes turns between accounts,
 * which changes who waits, not for how long all wait on average.
 */
export function waitOf({ perSecond, seconds, variation, slots }: Queue): number {
  const utilization = (perSecond * seconds) / slots;
  if (utilization >= 1) return Infinity;
  const waits = erlangC(slots, perSecond * seconds);
  return ((waits * seconds) / (slots * (1 - utilization))) * ((1 + variation ** 2) / 2);
}

/** Returns the probability that all slots are in use. `load` is the mean number of slots in use. */
function erlangC(slots: number, load: number): number {
  // Of Erlang B, by its recursion, which has no large factorials.
  let blocked = 1;
  for (let n = 1; n <= slots; n++) blocked = (load * blocked) / (n + load * blocked);
  return blocked / (1 - (load / slots) * (1 - blocked));
}

/** Returns the US dollars of a month, by what they are paid for. */
export function costOf(load: Load): Record<'fixed' | 'functions' | 'storage' | 'internet', number> {
  const { exportSeconds, gigabytesPerMonth } = capacityOf(load);
  const exports = load.exportsPerDay * daysPerMonth;
  const invocations = exports * figures.invocationsPerExport;
  const gigabyteSeconds =
    exports * exportSeconds * figures.workerGigabytes +
    invocations * figures.gigabyteSecondsPerInvocation;
  const parts = exports * Math.ceil(gigabytesPerMonth / exports / 0.005);
  return {
    fixed:
      hoursPerMonth *
        (fixed.brokers * prices.brokerHour +
          fixed.databases * prices.databaseHour +
          fixed.doors * prices.doorHour +
          prices.balancerHour +
          prices.natHour) +
      prices.volumeGigabyteMonth *
        (fixed.brokers * fixed.brokerGigabytes + fixed.databases * fixed.databaseGigabytes),
    functions:
      gigabyteSeconds * prices.lambdaGigabyteSecond +
      (invocations / 1e6) * (prices.lambdaMillionRequests + prices.apiMillionRequests) +
      // A kB of log for each invocation.
      (invocations / 1e6) * prices.logGigabyte,
    storage:
      ((gigabytesPerMonth * load.keptDays) / daysPerMonth) * prices.storageGigabyteMonth +
      (parts / 1e3) * prices.storageThousandPuts,
    internet:
      gigabytesPerMonth * load.downloads * (prices.internetGigabyte + prices.balancerGigabyte),
  };
}
