import { Refusal } from '../runtime/errors.ts';
import type { Account } from './accounts.ts';

/** Throws `forbidden` for everybody else. `what` ends the sentence: only an administrator may … */
export function requireAdministrator({ role }: Account, what: string): void {
  if (role !== 'admin') throw new Refusal('forbidden', `Only an administrator may ${what}.`);
}
