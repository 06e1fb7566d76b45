/**
 * The closed list of error codes, with the HTTP status each one answers with. An export that
 * failed carries one of the same codes in `error.code`.
 */
export const codes = {
  malformed_body: { status: 400, title: 'The body cannot be parsed' },
  malformed_request: { status: 400, title: 'The request cannot be parsed' },
  unauthenticated: { status: 401, title: 'Authentication is needed' },
  wrong_credentials: { status: 401, title: 'Email or password is not right' },
  forbidden: { status: 403, title: 'Not allowed' },
  not_found: { status: 404, title: 'Not found' },
  method_not_allowed: { status: 405, title: 'The method is not allowed here' },
  not_ready: { status: 409, title: 'The export is not ready' },
  not_retryable: { status: 409, title: 'The export cannot be run again now' },
  idempotency_conflict: { status: 409, title: 'The idempotency key was used with another body' },
  ticket_used: { status: 403, title: 'The download link was used by somebody else' },
  ticket_expired: { status: 410, title: 'The download link has expired' },
  expired: { status: 410, title: 'The export has expired' },
  file_changed: { status: 410, title: 'The file is not the one that was exported' },
  precondition_failed: { status: 412, title: 'A condition of the request does not hold' },
  too_large: { status: 413, title: 'The request is too large' },
  refused_request: { status: 422, title: 'A field or value is not allowed' },
  too_large_for_snapshot: { status: 422, title: 'Too much for one snapshot' },
  over_limit: { status: 422, title: 'More than the account may export at a time' },
  cell_too_long: { status: 422, title: 'A value is too long for a cell of a spreadsheet' },
  unsuitable_value: { status: 422, title: 'A value does not fit into the format' },
  source_error: { status: 422, title: 'The source cannot give the data' },
  dataset_changed: { status: 422, title: 'The dataset changed while it was exported' },
  too_many_requests: { status: 429, title: 'Too many requests' },
  internal: { status: 500, title: 'Something failed on our side' },
  source_timeout: { status: 503, title: 'The source took too long' },
  source_unavailable: { status: 503, title: 'The source does not answer' },
  source_lagging: { status: 503, title: 'The source is too far behind' },
  storage_error: { status: 503, title: 'The object storage does not answer' },
  worker_lost: { status: 503, title: 'The export was interrupted too often' },
  unavailable: { status: 503, title: 'A part of the system does not answer' },
} as const satisfies Record<string, { status: number; title: string }>;

export type Code = keyof typeof codes;

const isCode = (text: string): text is Code => Object.hasOwn(codes, text);

/** All codes, as the tuple that `z.enum` wants. */
export const codeNames = Object.keys(codes).filter(isCode);
