import { createHash, timingSafeEqual } from 'node:crypto';
import { config } from './config.ts';
import { AppError } from './errors.ts';

type Header = (name: string) => string | undefined;

const hashOf = (text: string): Buffer => createHash('sha256').update(text).digest();

/** Returns whether the request came through NGINX, which alone has the secret and replaces that header of a client. */
function isFromDoor(header: Header): boolean {
  const sent = header('x-door-secret');
  // Hashes have the same length, so that the duration of the comparison reveals nothing.
  return sent !== undefined && timingSafeEqual(hashOf(sent), hashOf(config().doorSecret));
}

/** Throws `not_found` unless the request came through NGINX, as if the route did not exist. */
export function requireDoor(header: Header): void {
  if (!isFromDoor(header)) throw new AppError('not_found', 'No route has this path and method.');
}

/**
 * Returns the address of the client, which NGINX sets in place of what the client sent, or `unknown` for a request
 * that did not come through NGINX.
 */
export const clientAddress = (header: Header): string =>
  (isFromDoor(header) ? header('x-client-address') : undefined) ?? 'unknown';
