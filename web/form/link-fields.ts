/** The query parameters that fill the form. */
export const linkFields = [
  'source',
  'dataset',
  'columns',
  'from',
  'to',
  'where',
  'format',
  'compression',
  'profile',
  'timeZone',
  'timeOffset',
  'order',
  'consistency',
  'csv',
  'parquetTypes',
  'encryption',
  'ttlSeconds',
  'name',
] as const;

export const isLink = (query: URLSearchParams): boolean =>
  linkFields.some((field) => query.has(field));
