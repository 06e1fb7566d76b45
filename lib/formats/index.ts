import type { ExportRequest } from '../contracts/export-request.ts';
import { plainCsv } from '../contracts/format-capabilities.ts';
import { csv, csvForSpreadsheets } from './csv.ts';
import type { Format } from './format.ts';
import { json } from './json.ts';
import { ndjson } from './ndjson.ts';
import { parquet } from './parquet/index.ts';
import { xlsx } from './xlsx/xlsx.ts';

/** What the bytes of a file depend on. */
export type Wanted = Pick<
  ExportRequest,
  'format' | 'profile' | 'timeZone' | 'timeOffset' | 'csv' | 'parquetTypes'
>;

const inUtc = { timeZone: 'UTC', withOffset: false };

/** The format of a request's file. Machines read instants in UTC, people in the time zone they ask for. */
export function formatOf(wanted: Wanted): Format {
  const { format, profile, csv: options = plainCsv, parquetTypes = 'native' } = wanted;
  const people = profile === 'spreadsheet';
  const { timeZone, timeOffset = false } = wanted;
  const times = people ? { timeZone, withOffset: timeOffset } : inUtc;
  switch (format) {
    case 'csv':
      return people ? csvForSpreadsheets(times, options) : csv(options);
    case 'json':
      return json;
    case 'ndjson':
      return ndjson;
    case 'xlsx':
      return xlsx(times);
    case 'parquet':
      return parquet(parquetTypes);
    default:
      return format satisfies never;
  }
}
