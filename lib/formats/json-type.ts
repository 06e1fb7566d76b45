import type { SourceColumn } from '../sources/datasets.ts';

/** The name, in JSON's terms, of what a column becomes: one type for all its values, or null. */
export function jsonType({ base, inJson }: SourceColumn): string {
  if (/\[\]$|^(int2|oid)vector$/.test(base)) return 'array';
  if (/^(smallint|integer|real|double precision)$/.test(base)) return 'number';
  if (base === 'boolean') return 'boolean';
  return /^jsonb?$/.test(base) ? 'any' : (inJson ?? 'string');
}
