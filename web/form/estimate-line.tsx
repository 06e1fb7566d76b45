import type { ReactNode } from 'react';
import { describe } from '../api/errors.ts';
import { bytes, duration, roughRows } from '../ui/quantity.ts';
import type { FormError } from './draft.ts';
import type { useEstimate } from './use-estimate.ts';

interface Props extends ReturnType<typeof useEstimate> {
  id: string;
  /** Beside fields of the form, where what is wrong is said. */
  fieldErrors: readonly FormError[];
}

/** `~3.4 million rows, 210 MB, about 40 s`; its room is kept while there is none. */
export function EstimateLine({ id, isPending, estimate, error, fieldErrors }: Props): ReactNode {
  return (
    <p id={id} className="min-h-5 text-sm text-muted tabular-nums">
      {estimate
        ? `~${roughRows(Number(estimate.rows.toPrecision(2)))}, ${bytes(estimate.bytes)}, about ${duration(estimate.seconds)}`
        : isPending
          ? 'Estimating…'
          : null}
      {error
        ? fieldErrors.length > 0
          ? 'No estimate: there is a problem above.'
          : `No estimate. ${describe(error).message}`
        : null}
    </p>
  );
}
