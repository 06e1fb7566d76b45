/**
 * The closed list of error codes, each with its HTTP status. A failed export has one of the same codes in `error.code`.
 */
export const codes = {
  malformed_body: { status: 400, title: 'The body cannot be parsed' },
  malformed_request: { status: 400, title: 'The request cannot be parsed' },
  unauthenticated: { status: 401, title: 'Authentication required' },
  invalid_credentials: { status: 401, title: 'Incorrect email or password' },
  forbidden: { status: 403, title: 'Not allowed' },
  not_found: { status: 404, title: 'Not found' },
  method_not_allowed: { status: 405, title: 'This path does not allow the method' },
  not_ready: { status: 409, title: 'The export is not ready' },
  not_retryable: { status: 409, title: 'The export cannot be run again now' },
  conflict: { status: 409, title: 'Not possible in the present state' },
  idempotency_conflict: { status: 409, title: 'The idempotency key was used with another body' },
  ticket_used: { status: 403, title: 'The download link was used by another browser' },
  ticket_expired: { status: 410, title: 'The download link has expired' },
  expired: { status: 410, title: 'The export has expired' },
  file_changed: { status: 410, title: 'The file differs from the exported one' },
  precondition_failed: { status: 412, title: 'A condition of the request is not met' },
  too_large: { status: 413, title: 'The request is too large' },
  invalid_request: { status: 422, title: 'A field or value is not allowed' },
  too_large_for_snapshot: { status: 422, title: 'Too large for a single snapshot' },
  over_limit: { status: 422, title: 'Larger than the account may export' },
  cell_too_long: { status: 422, title: 'A value is too long for a spreadsheet cell' },
  unsuitable_value: { status: 422, title: 'The format cannot represent a value' },
  source_error: { status: 422, title: 'The source reported an error' },
  dataset_changed: { status: 422, title: 'The dataset changed while it was exported' },
  too_many_requests: { status: 429, title: 'Too many requests' },
  internal: { status: 500, title: 'Something failed on our side' },
  source_timeout: { status: 503, title: 'The source took too long' },
  source_unavailable: { status: 503, title: 'The source does not answer' },
  source_lagging: { status: 503, title: 'The source lags too far behind its primary' },
  storage_error: { status: 503, title: 'The object storage does not answer' },
  worker_lost: { status: 503, title: 'The export was interrupted too often' },
  unavailable: { status: 503, title: 'A component of the system does not answer' },
} as const satisfies Record<string, { status: number; title: string }>;

export type Code = keyof typeof codes;

const isCode = (text: string): text is Code => Object.hasOwn(codes, text);

/** All codes, for `z.enum`. */
export const codeNames = Object.keys(codes).filter(isCode);
