import { catalogue } from '../runtime/catalogue.ts';
import { isConnectionLost } from '../runtime/connection-lost.ts';
import { AppError, serializeError } from '../runtime/errors.ts';
import { logger } from '../runtime/logger.ts';
import { recordAudit } from './record-audit.ts';
import { RefusalLimit } from './refusal-limit.ts';
import type { RequestAudit } from './request-audit.ts';

const refusalLimit = new RefusalLimit({ ofAddress: 30, ofAll: 600, windowMs: 60_000 });

/**
 * Records that an audited request was refused, or failed. Throws nothing: the request is answered with its own error,
 * whether the entry can be written or not.
 *
 * Without an entry: requests over a rate limit, of which there may be any number, and requests for which the catalogue
 * is down.
 */
export async function recordRefusal(audit: RequestAudit, error: unknown): Promise<void> {
  const status = error instanceof AppError ? error.status : 500;
  if (status === 429 || isConnectionLost(error)) return;
  const omitted =
    audit.actor === 'anonymous' ? refusalLimit.omittedBefore(audit.address ?? 'unknown') : 0;
  if (omitted === undefined) return;
  try {
    await recordAudit(
      catalogue(),
      {
        ...audit,
        outcome: status >= 500 ? 'failed' : 'refused',
        details: {
          ...audit.details,
          status,
          code: error instanceof AppError ? error.code : 'internal',
          ...(omitted > 0 ? { omittedBefore: omitted } : {}),
        },
      },
      audit.address,
    );
  } catch (auditError) {
    logger.error('audit entry not written', {
      action: audit.action,
      error: serializeError(auditError),
    });
  }
}
