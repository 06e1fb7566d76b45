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
  'order',
  'consistency',
  'ttlSeconds',
  'name',
] as const;

export const isLink = (query: URLSearchParams): boolean =>
  linkFields.some((field) => query.has(field));
