import { useQuery } from '@tanstack/react-query';
import { lazy, type ReactNode, Suspense, useEffect, useEffectEvent, useId, useState } from 'react';
import { useSearchParams } from 'react-router';
import { describeError } from '../api/errors.ts';
import { sourcesQuery } from '../api/sources-query.ts';
import { WorkPage } from '../layout/templates.tsx';
import { type LiveAddress, liveView, ranges, readAddress, toQuery } from '../live/address.ts';
import { liveSocket } from '../live/connection.ts';
import { ConnectionStatus } from '../live/connection-status.tsx';
import { exportLink, readingsSource } from '../live/export-link.ts';
import type { Feed, FeedState } from '../live/feed.ts';
import { LatestTable } from '../live/latest-table.tsx';
import { newestSeries, SeriesPicker, useSeriesList } from '../live/series-picker.tsx';
import { useFeed } from '../live/use-feed.ts';
import { useZone } from '../time/zone.ts';
import { announce } from '../ui/announcer.tsx';
import { Button, ButtonLink, TextButton } from '../ui/button.tsx';
import { Select } from '../ui/field.tsx';
import { Icon } from '../ui/icons.tsx';
import { useWide } from '../ui/media.ts';
import { PageHeading } from '../ui/page.tsx';
import { EmptyPanel, Note } from '../ui/panels.tsx';
import { duration } from '../ui/quantity.ts';

const Chart = lazy(() => import('../live/chart.tsx'));
const DataTable = lazy(() =>
  import('../live/data-table.tsx').then(({ DataTable: table }) => ({ default: table })),
);

/** Shows readings while they arrive, and their history. */
export default function LivePage(): ReactNode {
  const wide = useWide();
  const zone = useZone();
  const [query, setQuery] = useSearchParams();
  const address = readAddress(query);
  const { feed, state } = useFeed();
  const all = useSeriesList('');
  const firstItems = all.data?.pages[0]?.items ?? [];
  const isOnly = firstItems.length === 1 && !all.hasNextPage;
  const only = isOnly ? firstItems[0]?.series : undefined;

  const change = (next: Partial<LiveAddress>): void =>
    setQuery(toQuery({ ...address, ...next }), { replace: true, preventScrollReset: true });

  // The address is what counts: Back and links change it too.
  const text = query.toString();
  const apply = useEffectEvent((current: string) => {
    const { series, view } = readAddress(new URLSearchParams(current));
    feed.setView(view);
    feed.setSeries(series, firstItems);
  });
  useEffect(() => apply(text), [text]);
  const chooseOnly = useEffectEvent((series: string) => {
    if (address.series.length === 0) change({ series: [series] });
  });
  useEffect(() => {
    if (only !== undefined) chooseOnly(only);
  }, [only]);

  const isEmpty = address.series.length === 0;
  const picker = <SeriesPicker chosen={address.series} onChange={(series) => change({ series })} />;

  return (
    <WorkPage
      tool={
        <section
          aria-labelledby="series-heading"
          className="sticky top-16 overflow-clip rounded-card border border-line"
        >
          <h2 id="series-heading" className="px-4 pt-4 pb-1 text-base font-semibold">
            Series
          </h2>
          {picker}
        </section>
      }
    >
      <div className="space-y-4">
        <div className="flex flex-wrap items-center gap-x-4 gap-y-2">
          <PageHeading title="Live" />
          {isEmpty ? null : (
            <ConnectionStatus state={state} zone={zone} onRetry={() => liveSocket.retryNow()} />
          )}
          {wide && !isEmpty ? (
            <div className="ml-auto flex flex-wrap items-center gap-3">
              <Controls feed={feed} state={state} address={address} onChange={change} />
              <ExportRange feed={feed} state={state} address={address} />
            </div>
          ) : null}
        </div>
        {wide ? null : <PickerPanel count={address.series.length}>{picker}</PickerPanel>}
        {isEmpty ? (
          <Empty
            hasSeries={firstItems.length > 0}
            isLoaded={all.isSuccess}
            onShow={() =>
              change({ series: newestSeries(firstItems, 4).map(({ series }) => series) })
            }
          />
        ) : (
          <>
            {wide ? null : (
              <div className="flex flex-wrap items-center gap-3">
                <Controls feed={feed} state={state} address={address} onChange={change} />
              </div>
            )}
            <Notices feed={feed} state={state} />
            <ChartPanel
              feed={feed}
              state={state}
              onZoom={(from, to) => change({ view: { kind: 'fixed', from, to } })}
            />
            <Values
              feed={feed}
              state={state}
              onRemove={(series) =>
                change({ series: address.series.filter((name) => name !== series) })
              }
            />
            {wide ? null : <ExportRange feed={feed} state={state} address={address} />}
          </>
        )}
      </div>
    </WorkPage>
  );
}

interface PartProps {
  feed: Feed;
  state: FeedState;
}

/** The range, and the button that pauses, resumes, or goes back to the present. */
function Controls({
  feed,
  state,
  address,
  onChange,
}: PartProps & {
  address: LiveAddress;
  onChange: (next: Partial<LiveAddress>) => void;
}): ReactNode {
  const { view } = address;
  const [lastWindow, setLastWindow] = useState(view.kind === 'live' ? view.windowMs : ranges[0].ms);
  const { paused } = state;
  const range = view.kind === 'live' ? ranges.find(({ ms }) => ms === view.windowMs) : undefined;
  return (
    <>
      <Select
        aria-label="Range"
        className="w-32"
        value={range?.id ?? 'chosen'}
        onChange={({ target }) => {
          const chosen = ranges.find(({ id }) => id === target.value);
          if (!chosen) return;
          setLastWindow(chosen.ms);
          onChange({ view: liveView(chosen.ms) });
        }}
      >
        {range ? null : <option value="chosen">Chosen range</option>}
        {ranges.map(({ id, label }) => (
          <option key={id} value={id}>
            {label}
          </option>
        ))}
      </Select>
      {view.kind === 'fixed' ? (
        <Button variant="primary" onClick={() => onChange({ view: liveView(lastWindow) })}>
          Back to live
        </Button>
      ) : paused ? (
        <Button
          variant="primary"
          onClick={() => {
            feed.resume();
            announce('pause', { sentence: 'Resumed' });
          }}
        >
          <Icon name="play" />
          Resume
        </Button>
      ) : (
        <Button
          onClick={() => {
            feed.pause();
            announce('pause', { sentence: 'Paused' });
          }}
        >
          <Icon name="pause" />
          Pause
        </Button>
      )}
    </>
  );
}

/** Opens the export form with what the page shows. */
function ExportRange({ feed, state, address }: PartProps & { address: LiveAddress }): ReactNode {
  const { data: sources } = useQuery(sourcesQuery);
  const source = sources && readingsSource(sources);
  if (source === undefined) return null;
  const { from, to } = feed.frame();
  // The range of a live chart moves; the link has the one of the last change of the page.
  const range = state.paused ? { from, to } : { from: state.now - (to - from), to: state.now };
  return <ButtonLink to={exportLink(source, address.series, range)}>Export range</ButtonLink>;
}

function Notices({ feed, state }: PartProps): ReactNode {
  const { notice, history, historyError } = state;
  return (
    <>
      {notice ? (
        <Note tone="plain" onDismiss={() => feed.dismissNotice()}>
          {notice.kind === 'refused'
            ? notice.message
            : notice.lostMs === null
              ? 'Some readings were not received. The chart was reloaded.'
              : `Connection was lost for ${duration(notice.lostMs / 1_000)}. The chart was reloaded.`}
        </Note>
      ) : null}
      {history === 'failed' ? (
        <Note tone="danger">
          <Icon name="warning" className="text-danger" />
          <span>{`History did not load; live continues. ${describeError(historyError).message}`}</span>
          <TextButton onClick={() => feed.retryHistory()}>Try again</TextButton>
        </Note>
      ) : null}
    </>
  );
}

function ChartPanel({
  feed,
  state,
  onZoom,
}: PartProps & { onZoom: (from: number, to: number) => void }): ReactNode {
  const zone = useZone();
  const [isTable, setIsTable] = useState(false);
  return (
    <section aria-label="Chart" className="space-y-2" aria-busy={state.history === 'loading'}>
      <Suspense
        fallback={
          <div className="h-[calc(45vh+26px)] min-h-[266px] rounded-card border border-line lg:h-[calc(60vh+26px)]" />
        }
      >
        <Chart feed={feed} zone={zone} isPaused={state.paused !== null} onZoom={onZoom} />
      </Suspense>
      <Button small aria-expanded={isTable} onClick={() => setIsTable(!isTable)}>
        {isTable ? 'Hide table' : 'Show as table'}
      </Button>
      {isTable ? (
        <Suspense>
          <DataTable frame={feed.frame()} zone={zone} />
        </Suspense>
      ) : null}
    </section>
  );
}

function Values({
  feed,
  state,
  onRemove,
}: PartProps & { onRemove: (series: string) => void }): ReactNode {
  const zone = useZone();
  return (
    <LatestTable
      rows={state.rows}
      now={state.now}
      zone={zone}
      onLine={(series, isVisible) => feed.setLine(series, isVisible)}
      onRemove={onRemove}
    />
  );
}

/** The picker on a narrow page. */
function PickerPanel({ count, children }: { count: number; children: ReactNode }): ReactNode {
  const [isOpen, setIsOpen] = useState(count === 0);
  const id = useId();
  return (
    <div>
      <Button
        aria-expanded={isOpen}
        aria-controls={id}
        className="w-full justify-between!"
        onClick={() => setIsOpen(!isOpen)}
      >
        {`Series (${count})`}
        <Icon name="chevron" className="text-muted" />
      </Button>
      <div id={id} hidden={!isOpen} className="mt-2 overflow-clip rounded-card border border-line">
        {isOpen ? children : null}
      </div>
    </div>
  );
}

function Empty({
  hasSeries,
  isLoaded,
  onShow,
}: {
  hasSeries: boolean;
  isLoaded: boolean;
  onShow: () => void;
}): ReactNode {
  if (!isLoaded) return null;
  return hasSeries ? (
    <EmptyPanel action={<Button onClick={onShow}>Show the newest four</Button>}>
      Choose a series to start.
    </EmptyPanel>
  ) : (
    <EmptyPanel>No readings yet. Send some to the readings topic.</EmptyPanel>
  );
}
