import { bytesPerRow, cpuSecondsPerMillionRows, type FileKind, unitFigures } from './figures.ts';

/** Where the units of a resumable export run. */
export interface Machines {
  /** Units that run at a time. */
  slots: number;
  /** Cores of the source, or of one machine that runs source and workers. */
  cores: number;
  /** True if the workers have no cores of their own. */
  shared: boolean;
}

/** CPU seconds of the two processes that a unit keeps busy: the backend of its one connection, and the worker. */
export interface UnitWork {
  source: number;
  worker: number;
}

/**
 * Returns the seconds in which units are read. A unit is as fast as the slower of its two processes, which work at the same
 * time; all units together are no faster than the cores.
 */
export function readingSeconds(
  { slots, cores, shared }: Machines,
  { source, worker }: UnitWork,
  units: number,
): number {
  const alone = Math.max(source, worker);
  const demand = shared ? source + worker : source;
  return units * Math.max(alone / Math.min(slots, units), demand / cores);
}

export interface ResumableTimes {
  units: number;
  readingHours: number;
  /** The last unit reads the file once, to verify it. */
  assemblingHours: number;
  terabytes: number;
}

/** Returns how long a resumable export takes. */
export function resumableTimes(kind: FileKind, rows: number, machines: Machines): ResumableTimes {
  const { source, worker } = cpuSecondsPerMillionRows[kind];
  const { maxUnits, rowsPerUnit, overhead, verifiedBytesPerSecond } = unitFigures;
  const units = Math.min(maxUnits, Math.ceil(rows / rowsPerUnit));
  const millions = rows / units / 1e6;
  const work = {
    source: source * millions + overhead.source,
    worker: worker * millions + overhead.worker,
  };
  const bytes = rows * bytesPerRow[kind];
  return {
    units,
    readingHours: readingSeconds(machines, work, units) / 3_600,
    assemblingHours: bytes / verifiedBytesPerSecond / 3_600,
    terabytes: bytes / 1e12,
  };
}
