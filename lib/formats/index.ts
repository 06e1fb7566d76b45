import type { ExportRequest } from '../contracts/export-request.ts';
import { csv, csvForSpreadsheets } from './csv.ts';
import type { Format } from './format.ts';
import { json } from './json.ts';
import { ndjson } from './ndjson.ts';
import { parquet } from './parquet/index.ts';
import { xlsx } from './xlsx/xlsx.ts';

type Wanted = Pick<ExportRequest, 'format' | 'profile' | 'timeZone'>;

/** The format of a request's file. Machines read instants in UTC, people in the time zone they ask for. */
export function formatOf({ format, profile, timeZone }: Wanted): Format {
  const people = profile === 'spreadsheet';
  switch (format) {
    case 'csv':
      return people ? csvForSpreadsheets(timeZone) : csv;
    case 'json':
      return json;
    case 'ndjson':
      return ndjson;
    case 'xlsx':
      return xlsx(people ? timeZone : 'UTC');
    case 'parquet':
      return parquet;
    default:
      return format satisfies never;
  }
}
