import type { ReactNode } from 'react';
import type { ExportEstimate } from '../../lib/contracts/export-document.ts';
import { describeError } from '../api/errors.ts';
import { consistencyLabels } from '../exports/labels.ts';
import { bytes, duration, formatApproximateRows, formatExact } from '../ui/quantity.ts';
import { labelOf } from './api-errors.ts';
import type { FormError } from './draft.ts';
import type { useEstimate } from './use-estimate.ts';

interface Props extends ReturnType<typeof useEstimate> {
  id: string;
  /** Errors of the estimate that stand at their fields. */
  fieldErrors: readonly FormError[];
}

/** `~3.4 million rows, 210 MB, about 40 s`, and why the export would be rejected. Empty, it keeps its height. */
export function EstimateLine({ id, isPending, estimate, error, fieldErrors }: Props): ReactNode {
  const [fieldError] = fieldErrors;
  return (
    <div id={id} className="min-h-5 text-sm text-muted tabular-nums">
      {estimate ? <Estimated estimate={estimate} /> : isPending ? <p>Estimating…</p> : null}
      {error ? (
        <p>
          {fieldError?.field
            ? `No estimate until ${labelOf(fieldError.field)} is fixed.`
            : `No estimate. ${describeError(error).message}`}
        </p>
      ) : null}
    </div>
  );
}

function Estimated({ estimate }: { estimate: ExportEstimate }): ReactNode {
  const { rows, refusal, limits } = estimate;
  const maximums = [
    ...(limits.maxRows === null ? [] : [`${formatExact(limits.maxRows)} rows`]),
    ...(limits.maxBytes === null ? [] : [bytes(limits.maxBytes)]),
  ];
  return (
    <>
      <p>
        {`~${formatApproximateRows(Number(rows.toPrecision(2)))}, ${bytes(estimate.bytes)}, about ${duration(estimate.seconds)}`}
      </p>
      {refusal ? (
        <p className="text-danger">{`This export would be rejected. ${rejectionText(refusal)}`}</p>
      ) : maximums.length > 0 ? (
        <p className="text-xs">{`Your limit: ${maximums.join(', ')}.`}</p>
      ) : null}
    </>
  );
}

/** Returns the reason, with the field of this form in place of the advice to callers of the API. */
const rejectionText = ({ code, message }: NonNullable<ExportEstimate['refusal']>): string =>
  code === 'too_large_for_snapshot'
    ? message.replace('Ask for it as resumable', `Choose “${consistencyLabels.resumable}”`)
    : message;
