import type { ExportRequest } from '../contracts/export-request.ts';
import { csv } from './csv.ts';
import type { Format } from './format.ts';
import { json } from './json.ts';
import { ndjson } from './ndjson.ts';

const formats: Record<ExportRequest['format'], Format> = { csv, json, ndjson };

export const formatOf = (name: ExportRequest['format']): Format => formats[name];
