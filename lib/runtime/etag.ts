import { createHash } from 'node:crypto';
import type { HandlerResponse } from './http-handler.ts';

/**
 * Returns 200 with the body and its `ETag`, or 304 if the caller has this body already.
 *
 * @param ifNoneMatch the header of the request
 */
export function withEtag(
  body: unknown,
  ifNoneMatch: string | undefined,
  otherHeaders: Record<string, string> = {},
): HandlerResponse {
  const hash = createHash('sha256').update(JSON.stringify(body)).digest('base64url');
  const etag = `"${hash.slice(0, 27)}"`;
  const headers = { etag, 'cache-control': 'private, no-cache', ...otherHeaders };
  const known = (ifNoneMatch ?? '').split(',').map((tag) => tag.trim().replace(/^W\//, ''));
  return known.includes(etag) ? { status: 304, headers } : { status: 200, headers, body };
}
