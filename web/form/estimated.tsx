import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import type { ExportEstimate } from '../../lib/contracts/export-document.ts';
import { meQuery } from '../account/me.ts';
import { consistencyLabels } from '../exports/labels.ts';
import {
  bytes,
  duration,
  formatApproximateRows,
  formatExact,
  formatRowsOfTotal,
} from '../ui/quantity.ts';

interface Props {
  estimate: ExportEstimate;
  /** Where the data starts or ends if the dates have none of it, else null. */
  outside: string | null;
}

/** Rows, bytes and seconds of the export; why it would be rejected, or the limits it counts for. */
export default function Estimated({ estimate, outside }: Props): ReactNode {
  const { rows, refusal, limits } = estimate;
  const maximums = [
    ...(limits.maxRows === null ? [] : [`${formatExact(limits.maxRows)} rows`]),
    ...(limits.maxBytes === null ? [] : [bytes(limits.maxBytes)]),
  ];
  const { data: me } = useQuery(meQuery);
  const quota = me?.usage.quotas.rowsPerDay ?? null;
  const notes = [
    ...(maximums.length > 0 ? [`Your limit: ${maximums.join(', ')}.`] : []),
    ...(me && quota !== null
      ? [`${formatRowsOfTotal(me.usage.rowsToday, quota, 'of')} today.`]
      : []),
  ];
  return (
    <>
      {outside === null ? (
        <p className="font-semibold text-text">
          {`~${formatApproximateRows(Number(rows.toPrecision(2)))} · ${bytes(estimate.bytes)} · about ${duration(estimate.seconds)}`}
        </p>
      ) : (
        <p className="font-semibold text-warning">{`No rows expected: ${outside}.`}</p>
      )}
      {refusal ? (
        <p className="text-danger">{`This export would be rejected. ${rejectionText(refusal)}`}</p>
      ) : notes.length > 0 ? (
        <p className="text-xs">{notes.join(' ')}</p>
      ) : null}
    </>
  );
}

/** Returns the reason, with the field of this form in place of the advice to callers of the API. */
const rejectionText = ({ code, message }: NonNullable<ExportEstimate['refusal']>): string =>
  code === 'too_large_for_snapshot'
    ? message.replace('Ask for it as resumable', `Choose “${consistencyLabels.resumable}”`)
    : message;
