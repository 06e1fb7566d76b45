import { lazy, type ReactNode, Suspense } from 'react';
import { describeError } from '../api/errors.ts';
import { labelOf } from './api-errors.ts';
import type { FormError } from './draft.ts';
import type { useEstimate } from './use-estimate.ts';

const Estimated = lazy(() => import('./estimated.tsx'));

interface Props extends ReturnType<typeof useEstimate> {
  id: string;
  /** Errors of the estimate that stand at their fields. */
  fieldErrors: readonly FormError[];
  /** Errors that keep the draft from being sent, and so from being estimated. */
  draftErrors: readonly FormError[];
  /** Where the data starts or ends if the dates have none of it, else null. */
  outside: string | null;
}

const estimating = <p>Estimating…</p>;

/** `~3.4 million rows · 210 MB · about 40 s`, and why the export would be rejected. Empty, it keeps its height. */
export function EstimateLine(props: Props): ReactNode {
  const { id, isPending, estimate, error, fieldErrors, draftErrors, outside } = props;
  const field = [...draftErrors, ...fieldErrors].find((each) => each.field !== null)?.field;
  return (
    <div id={id} className="min-h-5 text-sm text-muted tabular-nums">
      {estimate ? (
        <Suspense fallback={estimating}>
          <Estimated estimate={estimate} outside={outside} />
        </Suspense>
      ) : isPending ? (
        estimating
      ) : null}
      {field ? (
        <p>{`No estimate until ${labelOf(field)} is fixed.`}</p>
      ) : error ? (
        <p>{`No estimate. ${describeError(error).message}`}</p>
      ) : null}
    </div>
  );
}
