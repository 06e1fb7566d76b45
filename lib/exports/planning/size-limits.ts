import type { ExportRequest } from '../../contracts/export-request.ts';
import type { Limits } from '../../contracts/limits.ts';
import { config } from '../../runtime/config.ts';
import { AppError } from '../../runtime/errors.ts';
import type { SourceInspection } from './inspect-sources.ts';

/** An estimate may be off by a factor of two: an export that may still fit is started. */
const estimateTolerance = 2;

const advice =
  'Ask for a shorter range or fewer columns, or ask your administrator for a higher limit.';

function formatCount(count: number): string {
  return Math.round(count).toLocaleString('en');
}

/** Returns the sizes of an export with their limits. */
function limitChecks(
  { maxRows, maxBytes }: Limits,
  { rows, bytes }: { rows: number | null; bytes: number | null },
) {
  return [
    { unit: 'rows', actual: rows, max: maxRows },
    { unit: 'bytes', actual: bytes, max: maxBytes },
  ];
}

/**
 * Returns `over_limit` if an estimate is more than twice a limit of the account, or `too_large_for_snapshot` if reading
 * would take longer than a snapshot may. Returns null if the export may start. A size is null if there is no estimate.
 */
export function checkSize(
  limits: Limits,
  request: ExportRequest,
  inspections: readonly SourceInspection[],
  expected: { rows: number | null; bytes: number | null },
): AppError | null {
  for (const { unit, actual, max } of limitChecks(limits, expected))
    if (actual !== null && max !== null && actual > estimateTolerance * max)
      return new AppError(
        'over_limit',
        `The export would have about ${formatCount(actual)} ${unit}; an export of your account may have ${formatCount(max)}. ${advice}`,
      );
  if (request.consistency !== 'snapshot') return null;
  const tooLong = inspections.map((inspection) => checkDuration(inspection, request));
  return tooLong.find((error) => error !== null) ?? null;
}

/** Throws `over_limit` if an export has grown over a limit of its account. The file is never truncated. */
export function assertWithinLimits(limits: Limits, written: { rows: number; bytes: number }): void {
  for (const { unit, actual, max } of limitChecks(limits, written))
    if (actual !== null && max !== null && actual > max)
      throw new AppError(
        'over_limit',
        `The export has more than the ${formatCount(max)} ${unit} that an export of your account may have: it was ended at ${formatCount(actual)}. ${advice}`,
      );
}

function checkDuration(
  { source, expected }: SourceInspection,
  { format }: Pick<ExportRequest, 'format'>,
): AppError | null {
  const maxSeconds = config().sources.get(source)?.maxReadSeconds ?? 0;
  if (!expected || expected.seconds <= maxSeconds) return null;
  const minutes = (seconds: number): string => `${Math.max(1, Math.round(seconds / 60))} minutes`;
  const [advised, error] =
    format === 'xlsx'
      ? ['csv as resumable', { field: 'format', message: 'cannot be xlsx for this many rows' }]
      : [
          'it as resumable',
          {
            field: 'consistency',
            message: 'must be resumable for this many rows',
            allowed: ['resumable'],
          },
        ];
  return new AppError(
    'too_large_for_snapshot',
    `The export would take about ${minutes(expected.seconds)}; one snapshot of ${source} is read within ${minutes(maxSeconds)}. Ask for ${advised}, which has no limit, or for a shorter range.`,
    { errors: [error] },
  );
}
