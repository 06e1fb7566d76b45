import type { ExportRequest } from '../contracts/export-request.ts';
import { plainCsv } from '../contracts/format-capabilities.ts';
import { csv, csvForSpreadsheets } from './csv/index.ts';
import type { Format } from './format.ts';
import { json } from './json/index.ts';
import { ndjson } from './ndjson/index.ts';
import { parquet } from './parquet/index.ts';
import { xlsx } from './xlsx/index.ts';

/** What the bytes of a file depend on. */
export type FormatRequest = Pick<
  ExportRequest,
  'format' | 'profile' | 'timeZone' | 'timeOffset' | 'csv' | 'parquetTypes'
>;

const inUtc = { timeZone: 'UTC', withOffset: false };

/** Returns the format of a request's file. Only the profile `spreadsheet` uses the time zone of the request. */
export function formatOf(request: FormatRequest): Format {
  const { format, profile, csv: options = plainCsv, parquetTypes = 'native' } = request;
  const isForSpreadsheets = profile === 'spreadsheet';
  const { timeZone, timeOffset = false } = request;
  const times = isForSpreadsheets ? { timeZone, withOffset: timeOffset } : inUtc;
  switch (format) {
    case 'csv':
      return isForSpreadsheets ? csvForSpreadsheets(times, options) : csv(options);
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
