import type { Problem } from '../../lib/contracts/problem.ts';
import { ApiError, describe } from '../api/errors.ts';
import { consistencyNames } from '../exports/names.ts';
import type { FieldName, FormError } from './draft.ts';

const fields: Record<string, { field: FieldName; label: string }> = {
  sources: { field: 'source', label: 'Source' },
  dataset: { field: 'dataset', label: 'Dataset' },
  columns: { field: 'columns', label: 'Columns' },
  from: { field: 'from', label: 'From' },
  to: { field: 'to', label: 'To' },
  where: { field: 'conditions', label: 'Conditions' },
  order: { field: 'order', label: 'Order of the rows' },
  profile: { field: 'profile', label: 'Written for' },
  timeZone: { field: 'timeZone', label: 'Times in the file' },
  timeOffset: { field: 'timeOffset', label: 'Offset of times' },
  csv: { field: 'csv', label: 'CSV' },
  parquetTypes: { field: 'parquetTypes', label: 'Types' },
  format: { field: 'format', label: 'Format' },
  compression: { field: 'compression', label: 'Compression' },
  consistency: { field: 'consistency', label: 'Consistency' },
  ttlSeconds: { field: 'ttlSeconds', label: 'Keep the file for' },
};

/** The refusal of the server, beside the fields it is about where it names them. */
export function errorsOf(error: unknown): { errors: FormError[]; reference: string | null } {
  if (error instanceof ApiError && error.problem.code === 'too_large_for_snapshot')
    return { errors: [tooLarge(error.problem)], reference: null };
  // Pressing again would not help.
  if (error instanceof ApiError && error.problem.code === 'over_limit')
    return { errors: [{ field: null, message: error.problem.detail }], reference: null };
  if (error instanceof ApiError && error.problem.code === 'too_large')
    return { errors: [{ field: null, message: describe(error).message }], reference: null };
  if (error instanceof ApiError && error.problem.errors?.length) {
    const errors = error.problem.errors.map(({ field, message }): FormError => {
      // `columns.2` and `columns[2]` are about columns.
      const known = fields[/^\w+/.exec(field)?.[0] ?? ''];
      return known
        ? { field: known.field, message: `${placeIn(field) ?? known.label}: ${message}` }
        : { field: null, message: field === '' ? message : `${field}: ${message}` };
    });
    return { errors, reference: null };
  }
  const { message, reference } = describe(error);
  return {
    errors: [{ field: null, message: `${message} Your choices are kept; press Export again.` }],
    reference,
  };
}

/** `where.0.value` is about the first condition. */
function placeIn(field: string): string | undefined {
  const place = /^where\W(\d+)/.exec(field)?.[1];
  return place === undefined ? undefined : `Condition ${Number(place) + 1}`;
}

/** Said with how long it would take; what the API advises its callers is a button here. */
function tooLarge({ detail, errors }: Problem): FormError {
  const message = `Too much for one moment. ${detail}`;
  if (errors?.some(({ field }) => field === 'format')) return { field: 'format', message };
  return {
    field: 'consistency',
    message,
    offer: {
      label: `Export as “${consistencyNames.resumable}”`,
      part: { consistency: 'resumable' },
    },
  };
}
