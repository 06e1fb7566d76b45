import type { ReactNode } from 'react';
import type { ExportEstimate } from '../../lib/contracts/export-document.ts';
import { describe } from '../api/errors.ts';
import { consistencyNames } from '../exports/names.ts';
import { bytes, duration, exact, roughRows } from '../ui/quantity.ts';
import type { FormError } from './draft.ts';
import type { useEstimate } from './use-estimate.ts';

interface Props extends ReturnType<typeof useEstimate> {
  id: string;
  /** Beside fields of the form, where what is wrong is said. */
  fieldErrors: readonly FormError[];
}

/** `~3.4 million rows, 210 MB, about 40 s`, and why it would be refused; its room is kept while there is none. */
export function EstimateLine({ id, isPending, estimate, error, fieldErrors }: Props): ReactNode {
  return (
    <div id={id} className="min-h-5 text-sm text-muted tabular-nums">
      {estimate ? <Estimated estimate={estimate} /> : isPending ? <p>Estimating…</p> : null}
      {error ? (
        <p>
          {fieldErrors.length > 0
            ? 'No estimate: there is a problem above.'
            : `No estimate. ${describe(error).message}`}
        </p>
      ) : null}
    </div>
  );
}

function Estimated({ estimate }: { estimate: ExportEstimate }): ReactNode {
  const { rows, refusal, limits } = estimate;
  const most = [
    ...(limits.maxRows === null ? [] : [`${exact(limits.maxRows)} rows`]),
    ...(limits.maxBytes === null ? [] : [bytes(limits.maxBytes)]),
  ];
  return (
    <>
      <p>
        {`~${roughRows(Number(rows.toPrecision(2)))}, ${bytes(estimate.bytes)}, about ${duration(estimate.seconds)}`}
      </p>
      {refusal ? (
        <p className="text-danger">{`It would be refused. ${messageOf(refusal)}`}</p>
      ) : most.length > 0 ? (
        <p className="text-xs">{`Your limit: ${most.join(', ')}.`}</p>
      ) : null}
    </>
  );
}

/** What the API advises its callers is a field of this form. */
const messageOf = ({ code, message }: NonNullable<ExportEstimate['refusal']>): string =>
  code === 'too_large_for_snapshot'
    ? message.replace('Ask for it as resumable', `Choose “${consistencyNames.resumable}”`)
    : message;
