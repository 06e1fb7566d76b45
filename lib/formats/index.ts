import type { ExportRequest } from '../contracts/export-request.ts';
import { csv } from './csv.ts';
import type { Format } from './format.ts';

const formats: Record<ExportRequest['format'], Format> = { csv };

export const formatOf = (name: ExportRequest['format']): Format => formats[name];
