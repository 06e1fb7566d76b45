import { clientAddress } from '../runtime/door.ts';
import { AppError } from '../runtime/errors.ts';
import { recordRefusal } from './record-refusal.ts';
import { type RequestAudit, withRequestAudit } from './request-audit.ts';

/**
 * Runs the check of one request for a file, and records that it was refused if it throws an `AppError`, which it
 * rethrows. Requests that are permitted have no entry here: the delivery of the file has one.
 */
export async function auditRefusedDownload<T>(
  header: (name: string) => string | undefined,
  check: () => Promise<T>,
): Promise<T> {
  const audit: RequestAudit = {
    actor: 'anonymous',
    action: 'download.refuse',
    target: null,
    address: clientAddress(header),
    details: {},
    recorded: false,
  };
  try {
    return await withRequestAudit(audit, check);
  } catch (error) {
    if (error instanceof AppError && error.status < 500) await recordRefusal(audit, error);
    throw error;
  }
}
