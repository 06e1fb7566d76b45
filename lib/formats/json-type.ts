import type { SourceColumn } from '../sources/datasets.ts';

/** The name, in JSON's terms, of what a column becomes: one type for all its values, or null. */
export function jsonType({ type }: SourceColumn): string {
  if (type.endsWith('[]')) return 'array';
  if (/^(smallint|integer|real|double precision)$/.test(type)) return 'number';
  if (type === 'boolean') return 'boolean';
  return /^jsonb?$/.test(type) ? 'any' : 'string';
}
