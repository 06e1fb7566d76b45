/** What of an address fills the form. */
export const linkFields = [
  'source',
  'dataset',
  'columns',
  'from',
  'to',
  'format',
  'compression',
  'profile',
  'timeZone',
  'order',
  'consistency',
  'ttlSeconds',
] as const;

export const isLink = (query: URLSearchParams): boolean =>
  linkFields.some((field) => query.has(field));
