import { createHash, timingSafeEqual } from 'node:crypto';
import { config } from './config.ts';
import { Refusal } from './errors.ts';

type Header = (name: string) => string | undefined;

const hashOf = (text: string): Buffer => createHash('sha256').update(text).digest();

/** Returns whether NGINX passed the request on: it alone has the secret, and replaces what a client sends by its name. */
function isFromDoor(header: Header): boolean {
  const sent = header('x-door-secret');
  // Hashes are equally long, so the comparison takes equally long, whatever was sent.
  return sent !== undefined && timingSafeEqual(hashOf(sent), hashOf(config().doorSecret));
}

/** Lets NGINX in, and refuses everybody else with `not_found`, as if there were nothing. */
export async function requireDoor(header: Header): Promise<null> {
  if (!isFromDoor(header))
    throw new Refusal('not_found', 'There is nothing at this path and method.');
  return null;
}

/**
 * Returns the address of the client as NGINX saw it, which replaces whatever the client sent by that name.
 * Of a request that came past NGINX nobody can say: all of them are `unknown`.
 */
export const clientAddress = (header: Header): string =>
  (isFromDoor(header) ? header('x-client-address') : undefined) ?? 'unknown';
