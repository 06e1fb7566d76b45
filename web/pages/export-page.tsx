import { useQuery } from '@tanstack/react-query';
import { type ReactNode, useEffect } from 'react';
import { useParams } from 'react-router';
import { isStatus } from '../api/errors.ts';
import { ExportDetails } from '../exports/export-details.tsx';
import { exportTitle, formatLabels } from '../exports/labels.ts';
import { useExportsPageState } from '../exports/page-state.tsx';
import { exportQuery } from '../exports/queries.ts';
import { useZone } from '../time/zone.ts';
import { BackLink } from '../ui/back-link.tsx';
import { ButtonLink } from '../ui/button.tsx';
import { PageHeading } from '../ui/page.tsx';
import { EmptyPanel, FailedPanel, Skeleton } from '../ui/panels.tsx';

/** The page of one export. The links in events lead here. */
export default function ExportPage(): ReactNode {
  const { id = '' } = useParams();
  const { data, error, refetch } = useQuery(exportQuery(id));
  const { setVisited } = useExportsPageState();
  useEffect(() => setVisited(id), [setVisited, id]);
  const zone = useZone();
  const gone = data?.gone === true || isStatus(error, 404, 422);
  // After a deletion the focused button is gone.
  useEffect(() => {
    if (gone) document.querySelector('h1')?.focus();
  }, [gone]);
  return (
    <>
      <BackLink />
      <div className="mb-4 flex items-center justify-between gap-4">
        <PageHeading
          title={
            data && !gone
              ? `${exportTitle(data.document, zone)}, ${formatLabels[data.document.request.format]}`
              : 'Export'
          }
        />
        <ButtonLink to="/exports/new">New export</ButtonLink>
      </div>
      {gone ? (
        <EmptyPanel action={<ButtonLink to="/exports">Go to Exports</ButtonLink>}>
          Export not found. It was deleted, or it belongs to another account.
        </EmptyPanel>
      ) : data ? (
        <ExportDetails tracked={data} />
      ) : error ? (
        <FailedPanel what="the export" error={error} onRetry={() => void refetch()} />
      ) : (
        <Skeleton label="Loading the export" rows={3} />
      )}
    </>
  );
}
