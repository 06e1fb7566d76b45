import type { ExportRequest } from '../../contracts/export-request.ts';
import { capabilitiesOf } from '../../contracts/format-capabilities.ts';
import { AppError } from '../../runtime/errors.ts';

/** Returns the error of a unit that was not read in time, with advice that applies to its request. */
export function overtimeError(
  { format, consistency }: Pick<ExportRequest, 'format' | 'consistency'>,
  seconds: number,
  cause: unknown,
): AppError {
  const time = seconds < 90 ? `${seconds} seconds` : `${Math.round(seconds / 60)} minutes`;
  const canBeResumable =
    consistency === 'snapshot' && capabilitiesOf(format).consistencies.includes('resumable');
  const advice = canBeResumable
    ? 'Export it as resumable, or export a shorter range.'
    : 'Export a shorter range, or fewer columns.';
  return new AppError('source_timeout', `Reading took longer than ${time}. ${advice}`, { cause });
}
