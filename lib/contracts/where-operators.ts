/**
 * The operators of a condition: the one list that the request schema and the form of the page go by. It imports
 * nothing, so that the page has it without the schema.
 */
export const whereOperators = [
  'eq',
  'ne',
  'lt',
  'lte',
  'gt',
  'gte',
  'between',
  'in',
  'notIn',
  'like',
  'ilike',
  'isNull',
  'isDistinctFrom',
] as const;
export type WhereOperator = (typeof whereOperators)[number];
