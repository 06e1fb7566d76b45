import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import type { ExportEstimate } from '../../lib/contracts/export-document.ts';
import { meQuery } from '../account/me.ts';
import { describeError } from '../api/errors.ts';
import { consistencyLabels } from '../exports/labels.ts';
import {
  bytes,
  duration,
  formatApproximateRows,
  formatExact,
  formatRowsOfTotal,
} from '../ui/quantity.ts';
import { labelOf } from './api-errors.ts';
import type { FormError } from './draft.ts';
import type { useEstimate } from './use-estimate.ts';

interface Props extends ReturnType<typeof useEstimate> {
  id: string;
  /** Errors of the estimate that stand at their fields. */
  fieldErrors: readonly FormError[];
  /** Errors that keep the draft from being sent, and so from being estimated. */
  draftErrors: readonly FormError[];
  /** Where the data starts or ends if the dates have none of it, else null. */
  outside: string | null;
}

/** `~3.4 million rows · 210 MB · about 40 s`, and why the export would be rejected. Empty, it keeps its height. */
export function EstimateLine(props: Props): ReactNode {
  const { id, isPending, estimate, error, fieldErrors, draftErrors, outside } = props;
  const field = [...draftErrors, ...fieldErrors].find((each) => each.field !== null)?.field;
  return (
    <div id={id} className="min-h-5 text-sm text-muted tabular-nums">
      {estimate ? (
        <Estimated estimate={estimate} outside={outside} />
      ) : isPending ? (
        <p>Estimating…</p>
      ) : null}
      {field ? (
        <p>{`No estimate until ${labelOf(field)} is fixed.`}</p>
      ) : error ? (
        <p>{`No estimate. ${describeError(error).message}`}</p>
      ) : null}
    </div>
  );
}

function Estimated({
  estimate,
  outside,
}: Pick<Props, 'outside'> & { estimate: ExportEstimate }): ReactNode {
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
