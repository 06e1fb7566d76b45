import { AsyncLocalStorage } from 'node:async_hooks';
import type { AuditAction, AuditDetails } from '../contracts/audit.ts';

/** An account, or a part of the system that acts by itself. `anonymous`: a caller who did not say who they are. */
export type AuditActor =
  | { id: string | null; email: string }
  | 'anonymous'
  | 'sweep'
  | 'events'
  | 'delivery'
  | 'command';

/** Details as they are given; those that are undefined are left out. */
export type RecordedDetails = Record<string, AuditDetails[string] | undefined>;

/** What is known about the audited request that is being answered. */
export interface RequestAudit {
  actor: AuditActor;
  action: AuditAction;
  target: string | null;
  address: string | null;
  details: RecordedDetails;
  exportId?: string | null;
  /** Whether its change has an entry already. */
  recorded: boolean;
}

const current = new AsyncLocalStorage<RequestAudit>();

/** Runs `work` as the answer to an audited request. */
export const withRequestAudit = <T>(audit: RequestAudit, work: () => Promise<T>): Promise<T> =>
  current.run(audit, work);

/** Returns the audited request that is being answered, undefined outside of one. */
export const requestAudit = (): RequestAudit | undefined => current.getStore();

/**
 * Adds to the entry of the request that is being answered, done or refused. Has no effect outside of an audited
 * request.
 */
export function describeRequest(more: Partial<Omit<RequestAudit, 'recorded'>>): void {
  const audit = current.getStore();
  if (audit) Object.assign(audit, more, { details: { ...audit.details, ...more.details } });
}
