import type { Problem } from '../../lib/contracts/problem.ts';
import { ApiError, describeError } from '../api/errors.ts';
import { consistencyLabels } from '../exports/labels.ts';
import type { FieldName, FormError } from './draft.ts';

/** The fields of the form by the fields of a request. */
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
  consistency: { field: 'consistency', label: 'Rows as of' },
  ttlSeconds: { field: 'ttlSeconds', label: 'Keep the file for' },
  name: { field: 'name', label: 'Name' },
};

/** Returns the label of a field in messages. */
export const labelOf = (name: FieldName): string =>
  Object.values(fields).find(({ field }) => field === name)?.label ?? name;

/** Returns the errors of a failed call, each with the field of the form that the server names. */
export function errorsOf(error: unknown): { errors: FormError[]; reference: string | null } {
  if (error instanceof ApiError && error.problem.code === 'too_large_for_snapshot')
    return { errors: [tooLarge(error.problem)], reference: null };
  // Another press would fail again.
  if (error instanceof ApiError && error.problem.code === 'over_limit')
    return { errors: [{ field: null, message: error.problem.detail }], reference: null };
  if (error instanceof ApiError && error.problem.code === 'too_large')
    return { errors: [{ field: null, message: describeError(error).message }], reference: null };
  if (error instanceof ApiError && error.problem.errors?.length) {
    const errors = error.problem.errors.map(({ field, message }): FormError => {
      // `columns.2` and `columns[2]` name the field `columns`.
      const formField = fields[/^\w+/.exec(field)?.[0] ?? ''];
      return formField
        ? {
            field: formField.field,
            message: `${conditionIn(field) ?? formField.label}: ${message}`,
          }
        : { field: null, message: field === '' ? message : `${field}: ${message}` };
    });
    return { errors, reference: null };
  }
  const { message, reference } = describeError(error);
  return {
    errors: [{ field: null, message: `${message} Your choices are kept; press Export again.` }],
    reference,
  };
}

/** Returns `Condition 1` for the field `where.0.value`. */
function conditionIn(field: string): string | undefined {
  const place = /^where\W(\d+)/.exec(field)?.[1];
  return place === undefined ? undefined : `Condition ${Number(place) + 1}`;
}

/** Returns the error with the expected duration, and a button for what the API advises its callers. */
function tooLarge({ detail, errors }: Problem): FormError {
  const message = `Too large for one moment. ${detail}`;
  if (errors?.some(({ field }) => field === 'format')) return { field: 'format', message };
  return {
    field: 'consistency',
    message,
    offer: {
      label: `Export as “${consistencyLabels.resumable}”`,
      patch: { consistency: 'resumable' },
    },
  };
}
