import type { ExportRequest } from '../contracts/export-request.ts';
import { capabilitiesOf } from '../contracts/format-capabilities.ts';
import { Refusal } from '../runtime/errors.ts';

/** Returns the refusal of a unit that could not be read in time, with what would help whoever waits for it. */
export function refusalOfOvertime(
  { format, consistency }: Pick<ExportRequest, 'format' | 'consistency'>,
  seconds: number,
  cause: unknown,
): Refusal {
  const time = seconds < 90 ? `${seconds} seconds` : `${Math.round(seconds / 60)} minutes`;
  const divides =
    consistency === 'snapshot' && capabilitiesOf(format).consistencies.includes('resumable');
  const advice = divides
    ? 'Ask for it as resumable, or for a shorter range.'
    : 'Ask for a shorter range, or for fewer columns.';
  return new Refusal('source_timeout', `Reading took longer than ${time}. ${advice}`, { cause });
}
