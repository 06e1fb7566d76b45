import { recordFailure, removeConnections } from './connections.ts';
import type { Gateway } from './gateway.ts';

/** A connection to which messages are sent. */
export interface Recipient {
  id: string;
  /** Failed deliveries before this one. */
  failures: number;
}

/** Sends messages one after the other. Returns whether all were taken; else the catalogue knows what is to be done. */
export async function deliver(
  gateway: Gateway,
  { id, failures }: Recipient,
  texts: readonly string[],
): Promise<boolean> {
  for (const text of texts) {
    const delivery = await gateway.post(id, text);
    if (delivery === 'sent') continue;
    if (delivery === 'gone') await removeConnections([id]);
    else await recordFailure(id, failures);
    return false;
  }
  return true;
}
