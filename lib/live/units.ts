import { inUnitOf } from '../ingest/convert-units.ts';
import type { Reading } from '../ingest/reading.ts';
import { RejectedRecordError } from '../ingest/rejected-record.ts';
import { writer } from '../ingest/writer.ts';

/** Units of series are read again after this time. */
const keptMs = 60_000;
let units = new Map<string, string>();
let keptUntil = 0;

/**
 * Returns the readings of each record with values in the units of their series, as ingest stores them. A record with a
 * unit that cannot be converted has none. Throws if the store does not answer; it is asked only about readings that
 * name a unit.
 */
export async function inUnitsOfSeries(
  records: readonly (readonly Reading[])[],
): Promise<(readonly Reading[])[]> {
  const withUnit = records.flat().filter(({ unit }) => unit !== undefined);
  if (withUnit.length === 0) return [...records];
  await readUnits(withUnit.map(({ series }) => series));
  // A series gets the unit that its readings name first.
  const declared = new Map<string, string>();
  for (const { series, unit } of withUnit)
    if (unit !== undefined && !declared.has(series)) declared.set(series, unit);
  return records.map((readings) => {
    try {
      return readings.map((reading) =>
        inUnitOf(units.get(reading.series) ?? declared.get(reading.series) ?? '', reading),
      );
    } catch (error) {
      if (error instanceof RejectedRecordError) return [];
      throw error;
    }
  });
}

async function readUnits(series: readonly string[]): Promise<void> {
  if (performance.now() > keptUntil) {
    units = new Map();
    keptUntil = performance.now() + keptMs;
  }
  const unknown = [...new Set(series)].filter((name) => !units.has(name));
  if (unknown.length === 0) return;
  const { rows } = await writer().query<{ series: string; unit: string }>(
    `select s.series, s.unit from public.series s where s.series = any($1) and s.unit <> ''`,
    [unknown],
  );
  for (const { series: name, unit } of rows) units.set(name, unit);
}
