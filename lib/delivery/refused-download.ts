import { Refusal } from '../runtime/errors.ts';
import type { Answer } from '../runtime/http.ts';

/**
 * A refusal as NGINX's auth_request understands it, which knows only yes, 401 and 403: what it really is goes into
 * headers. Throws what is no refusal of ours; NGINX makes a 5xx of anything but a yes, 401 and 403.
 */
export function refusedDownload(error: unknown): Answer {
  if (!(error instanceof Refusal) || error.status >= 500) throw error;
  return {
    status: 403,
    headers: { 'x-refused-status': String(error.status), 'x-refused-code': error.code },
  };
}
