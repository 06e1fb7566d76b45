import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { useNavigate } from 'react-router';
import { type ListFilters, listExports } from '../api/calls.ts';
import { sourcesQuery } from '../api/sources-query.ts';
import { useDraft } from '../form/draft-context.tsx';
import { presets } from '../time/presets.ts';
import { useZone } from '../time/zone.ts';
import { Button } from '../ui/button.tsx';
import { EmptyPanel } from '../ui/panels.tsx';
import { isFiltered, noFilters } from './filters.ts';

interface Props {
  filters: ListFilters;
  onClear: () => void;
  onShowDownloaded: () => void;
}

/** Says why the list has no rows, and what to do. */
export default function EmptyList({ filters, onClear, onShowDownloaded }: Props): ReactNode {
  const { data: hasDownloaded = false } = useQuery({
    queryKey: ['exports-downloaded'],
    queryFn: async ({ signal }) =>
      (await listExports({ ...noFilters, showDownloaded: true }, null, signal)).items.length > 0,
    enabled: !filters.showDownloaded && !isFiltered(filters),
  });
  if (isFiltered(filters))
    return (
      <EmptyPanel action={<Button onClick={onClear}>Clear filters</Button>}>
        No exports match.
      </EmptyPanel>
    );
  if (hasDownloaded)
    return (
      <EmptyPanel action={<Button onClick={onShowDownloaded}>Show downloaded</Button>}>
        All your exports were downloaded.
      </EmptyPanel>
    );
  return <FirstSteps />;
}

function FirstSteps(): ReactNode {
  return (
    <div className="rounded-card border border-line bg-surface p-6">
      <h2 className="font-semibold">No exports yet</h2>
      <ol className="mt-3 list-decimal space-y-1 pl-5">
        <li>Choose a dataset and dates.</li>
        <li>See the first 20 rows, as in the file.</li>
        <li>Export. The file appears here.</li>
      </ol>
      <FirstExample />
    </div>
  );
}

/** A button that fills the form: a full month of the first dataset with times. */
function FirstExample(): ReactNode {
  const zone = useZone();
  const { change } = useDraft();
  const navigate = useNavigate();
  const { data } = useQuery({ ...sourcesQuery, enabled: false });
  const [example] = (data?.sources ?? []).flatMap(({ name: source, datasets }) =>
    datasets.flatMap(({ name: dataset, earliest, latest }) =>
      earliest === null || latest === null ? [] : [{ source, dataset, earliest, latest }],
    ),
  );
  if (!example) return null;
  const { source, dataset, earliest, latest } = example;
  const month = presets(earliest, latest, zone).find(({ label }) => label === 'Last full month');
  return month ? (
    <Button
      className="mt-4"
      onClick={() => {
        change({ source, dataset, range: month.range });
        void navigate('/exports/new');
      }}
    >
      {`Try it: ${dataset}, last full month`}
    </Button>
  ) : null;
}
