import { useQuery } from '@tanstack/react-query';
import { type ReactNode, useId } from 'react';
import type { ExportPreview } from '../../lib/contracts/export-preview.ts';
import { type NewExport, previewExport } from '../api/calls.ts';
import { isStatus } from '../api/errors.ts';
import { formatLabels } from '../exports/labels.ts';
import { Button } from '../ui/button.tsx';
import { Disclosure } from '../ui/details.tsx';
import { Modal, ModalActions } from '../ui/modal.tsx';
import { FailedPanel, Skeleton } from '../ui/panels.tsx';
import { formatExact } from '../ui/quantity.ts';

interface Props {
  request: NewExport;
  onClose: () => void;
  /** Exports what is shown. */
  onExport: () => void;
}

/** The first rows of the file. They are read again each time the dialog opens. */
export default function PreviewDialog({ request, onClose, onExport }: Props): ReactNode {
  const { data, error, isFetching, refetch } = useQuery({
    queryKey: ['preview', request],
    queryFn: ({ signal }) => previewExport(request, signal),
    // An account may read one preview at a time. An earlier one, or one in another tab, may still be running.
    retry: (failures, problem) => isStatus(problem, 429) && failures < 5,
    retryDelay: 2_000,
    networkMode: 'always',
    gcTime: 0,
    staleTime: Number.POSITIVE_INFINITY,
  });
  return (
    <Modal isView size="table" title={`Preview of ${request.dataset}`} onClose={onClose}>
      {/* The dialog makes the page's own live region inert, so it has one of its own. */}
      <p role="status" className="mt-1 text-muted">
        {data ? describePreview(data, request) : isFetching ? 'Reading the first rows…' : ''}
      </p>
      <div className="mt-4 space-y-4">
        {data ? (
          <PreviewBody preview={data} format={request.format} />
        ) : error && !isFetching ? (
          <div role="alert">
            <FailedPanel what="the preview" error={error} onRetry={() => void refetch()} />
          </div>
        ) : (
          <Skeleton label="Reading the first rows" rows={4} />
        )}
      </div>
      <ModalActions sticky>
        <Button onClick={onClose}>Back to the form</Button>
        <Button variant="primary" onClick={onExport}>
          Export
        </Button>
      </ModalActions>
    </Modal>
  );
}

function describePreview({ rows, cut, tooLarge }: ExportPreview, request: NewExport): string {
  const { format, sources } = request;
  const count = rows.length === 1 ? 'row' : `${rows.length} rows`;
  const subject = tooLarge || rows.length === 20 ? `The first ${count}` : `All ${count}`;
  return [
    rows.length === 0 && !tooLarge
      ? 'No rows: the file would have none.'
      : `${rows.length === 1 && !tooLarge ? 'The only row' : subject} of the file, as ${format === 'xlsx' ? 'an Excel workbook' : formatLabels[format]}.`,
    rows.length === 0 ? '' : `Times in ${timesIn(request)}.`,
    sources.length > 1
      ? `The rows of ${sources[0]} come first; _source names the source of each row.`
      : '',
    tooLarge ? 'The preview ends here because its rows are very large.' : '',
    cut.length > 0 ? 'Long values are cut here; the file has them in full.' : '',
  ]
    .filter((sentence) => sentence !== '')
    .join(' ');
}

/** Only files for spreadsheets have times of another zone than UTC. */
const timesIn = ({ profile, timeZone = 'UTC' }: NewExport): string =>
  profile === 'spreadsheet' ? timeZone : 'UTC';

/** The beginnings of the names of types whose values are compared digit by digit. */
const numeric = /^(small|big)?(int|serial)|^(numeric|decimal|real|double|float|number|money|oid)/i;

function PreviewBody({
  preview,
  format,
}: {
  preview: ExportPreview;
  format: NewExport['format'];
}): ReactNode {
  const captionId = useId();
  const { columns, rows, cut, text, textCut } = preview;
  const lengths = new Map(
    cut.map(({ row, column, characters }) => [`${row} ${column}`, characters]),
  );
  return (
    <>
      <div
        role="region"
        aria-labelledby={captionId}
        tabIndex={0}
        className="max-h-[50dvh] overflow-auto rounded-card border border-line"
      >
        <table className="min-w-full border-collapse text-left text-sm">
          <caption id={captionId} className="sr-only">
            First rows of the file
          </caption>
          <thead className="sticky top-0 bg-surface">
            <tr>
              <th scope="col" className="px-3 py-2 font-normal text-muted">
                Row
              </th>
              {columns.map(({ name, databaseType, fileType }) => (
                <th
                  key={name}
                  scope="col"
                  className={`px-3 py-2 font-semibold whitespace-nowrap ${numeric.test(databaseType) ? 'text-right' : ''}`}
                >
                  {name}{' '}
                  <span className="text-xs font-normal text-muted">
                    {format === 'csv' ? databaseType : typeLabel(fileType)}
                  </span>
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.map((values, row) => (
              <tr key={row} className="border-t border-line align-top">
                <th scope="row" className="px-3 py-1.5 font-normal text-muted tabular-nums">
                  {row + 1}
                </th>
                {values.map((value, column) => (
                  <td
                    key={columns[column]?.name}
                    className={`px-3 py-1.5 tabular-nums ${numeric.test(columns[column]?.databaseType ?? '') ? 'text-right' : ''}`}
                  >
                    <Value value={value} length={lengths.get(`${row} ${column}`)} />
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {text === null ? null : (
        <Disclosure title={textCut ? 'As text, the first 64 kB' : 'As text'}>
          <textarea
            readOnly
            rows={10}
            wrap="off"
            spellCheck={false}
            aria-label="The beginning of the file as text"
            value={text}
            className="mt-2 block w-full resize-y rounded-card border border-line bg-surface p-4 font-mono text-xs"
          />
        </Disclosure>
      )}
    </>
  );
}

/** `dateTime` is the type of a cell of Excel. */
const typeLabel = (type: string): string => (type === 'dateTime' ? 'date and time' : type);

/** A value as in the file. Words that are not in the file are in italics. */
function Value({ value, length }: { value: string | null; length: number | undefined }): ReactNode {
  if (value === null) return <i className="text-muted">NULL</i>;
  if (value === '') return <i className="text-muted">empty</i>;
  return (
    <div className="inline-block w-max max-w-[48ch] whitespace-pre-wrap wrap-anywhere">
      {value}
      {length === undefined ? null : (
        <i className="text-muted">{`… cut, ${formatExact(length)} characters`}</i>
      )}
    </div>
  );
}
