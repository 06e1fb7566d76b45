import type { ExportRequest } from '../contracts/export-request.ts';
import type { Limits } from '../contracts/limits.ts';
import { config } from '../runtime/config.ts';
import { Refusal } from '../runtime/errors.ts';
import type { Look } from './look.ts';

/** An estimate is good within a factor of two: what may still fit is tried. */
const doubt = 2;

const advice =
  'Ask for a shorter range or fewer columns, or ask your administrator for a higher limit.';

const spell = (count: number): string => Math.round(count).toLocaleString('en');

/** Sizes and their limits, by what they count. */
const measured = (
  { maxRows, maxBytes }: Limits,
  { rows, bytes }: { rows: number | null; bytes: number | null },
) => [
  { of: 'rows', is: rows, most: maxRows },
  { of: 'bytes', is: bytes, most: maxBytes },
];

/**
 * Why an export that is expected to be like this is not begun, if there is a reason: it would be far over
 * a limit of its account, or take longer than a snapshot may. Null is a size that nobody knows.
 */
export function refusalOfSize(
  limits: Limits,
  request: ExportRequest,
  looks: readonly Look[],
  expected: { rows: number | null; bytes: number | null },
): Refusal | null {
  for (const { of, is, most } of measured(limits, expected))
    if (is !== null && most !== null && is > doubt * most)
      return new Refusal(
        'over_limit',
        `It would have about ${spell(is)} ${of}; an export of your account may have ${spell(most)}. ${advice}`,
      );
  if (request.consistency !== 'snapshot') return null;
  const tooLong = looks.map((look) => refusalOfTime(look, request));
  return tooLong.find((refusal) => refusal !== null) ?? null;
}

/** Ends an export that has grown over a limit of its account: it is never cut. */
export function requireWithin(limits: Limits, written: { rows: number; bytes: number }): void {
  for (const { of, is, most } of measured(limits, written))
    if (is !== null && most !== null && is > most)
      throw new Refusal(
        'over_limit',
        `It has more than the ${spell(most)} ${of} that an export of your account may have: it was ended at ${spell(is)}. ${advice}`,
      );
}

function refusalOfTime(
  { source, expected }: Look,
  { format }: Pick<ExportRequest, 'format'>,
): Refusal | null {
  const most = config().sources.get(source)?.maxReadSeconds ?? 0;
  if (!expected || expected.seconds <= most) return null;
  const minutes = (seconds: number): string => `${Math.max(1, Math.round(seconds / 60))} minutes`;
  const [how, error] =
    format === 'xlsx'
      ? ['csv as resumable', { field: 'format', message: `cannot be xlsx for so many rows` }]
      : [
          'it as resumable',
          {
            field: 'consistency',
            message: 'must be resumable for so many rows',
            allowed: ['resumable'],
          },
        ];
  return new Refusal(
    'too_large_for_snapshot',
    `It would take about ${minutes(expected.seconds)}; one snapshot of ${source} is read within ${minutes(most)}. Ask for ${how}, which has no limit, or for a shorter range.`,
    { errors: [error] },
  );
}
