import { AppError } from '../runtime/errors.ts';
import type { HandlerResponse } from '../runtime/http-handler.ts';

/**
 * Returns a rejection for NGINX's auth_request, which knows only 2xx, 401 and 403: headers carry the actual status and
 * code. Rethrows every other error, which NGINX answers with a 5xx.
 */
export function denyDownload(error: unknown): HandlerResponse {
  if (!(error instanceof AppError) || error.status >= 500) throw error;
  return {
    status: 403,
    headers: { 'x-refused-status': String(error.status), 'x-refused-code': error.code },
  };
}
