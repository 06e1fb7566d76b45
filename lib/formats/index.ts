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
  'format' | 'profile' | 'timeZone' | 'csv' | 'parquetTypes'
>;

/** The format of a request's file. Machines read instants in UTC, people in the time zone they ask for. */
export function formatOf(wanted: Wanted): Format {
  const { format, profile, timeZone, csv: options = plainCsv, parquetTypes = 'native' } = wanted;
  const people = profile === 'spreadsheet';
  switch (format) {
    case 'csv':
      return people ? csvForSpreadsheets(timeZone, options) : csv(options);
    case 'json':
      return json;
    case 'ndjson':
      return ndjson;
    case 'xlsx':
      return xlsx(people ? timeZone : 'UTC');
    case 'parquet':
      return parquet(parquetTypes);
    default:
      return format satisfies never;
  }
}
