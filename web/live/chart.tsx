import {
  type KeyboardEvent,
  type ReactNode,
  useEffect,
  useEffectEvent,
  useLayoutEffect,
  useRef,
  useState,
} from 'react';
import type uPlot from 'uplot';
import { useStored } from '../state/stored.ts';
import { useDarkSystem } from '../ui/media.ts';
import { themeChoice } from '../ui/theme.ts';
import { type CursorPlace, placeAfter, placeAt, placeText } from './cursor.ts';
import type { Feed, Frame } from './feed.ts';
import { axisLabel, dayAndClockText, zoneAt } from './labels.ts';
import { lineStyle } from './line-style.ts';
import { axisCount, type Colors, createPlot, drawFrame, unitsOf } from './plot.ts';
import { Swatch } from './swatch.tsx';

interface Props {
  feed: Feed;
  zone: string;
  isPaused: boolean;
  /** Called when a part of the range is chosen. */
  onZoom: (from: number, to: number) => void;
}

/** The chart is drawn at most ten times a second. */
const drawMs = 100;

/** The lines of the selected series. A chart of other lines or colours is another one. */
export default function Chart(props: Props): ReactNode {
  const theme = `${useStored(themeChoice)} ${useDarkSystem()}`;
  const [lines, setLines] = useState(() => linesOf(props.feed.frame()));
  const [pinned, setPinned] = useState<CursorPlace | null>(null);
  return (
    <LineChart
      key={`${theme} ${lines}`}
      {...props}
      lines={lines}
      onLines={setLines}
      pinned={pinned}
      onPin={setPinned}
    />
  );
}

interface LineChartProps extends Props {
  /** The lines of this chart, see `linesOf`. */
  lines: string;
  onLines: (lines: string) => void;
  pinned: CursorPlace | null;
  onPin: (place: CursorPlace | null) => void;
}

/** A chart of certain lines. Its cursor is a slider; its place can be pinned. */
function LineChart(props: LineChartProps): ReactNode {
  const { feed, zone, isPaused, onZoom, lines, onLines, pinned, onPin } = props;
  const container = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot>(null);
  const drawn = useRef<Frame>(null);
  const tooltip = useRef<HTMLDivElement>(null);
  const [cursor, setCursor] = useState<CursorPlace | null>(null);
  const size = useSize(container);
  /** The time that the keys chose: it stays while the chart moves. Null while the pointer is used. */
  const keyTime = useRef<number | null>(null);
  const marked = pinned ?? cursor;

  /** Keeps the tooltip at its time, inside the chart. */
  const placeTooltip = useEffectEvent((place: CursorPlace | null) => {
    const [element, current] = [tooltip.current, plot.current];
    if (!element || !current || !place) return;
    const ratio = devicePixelRatio;
    const left = current.bbox.left / ratio;
    const width = current.bbox.width / ratio;
    const x = Math.min(width, Math.max(0, current.valToPos(place.at, 'x')));
    const isRight = x > width / 2;
    const wanted = left + x + (isRight ? -element.offsetWidth - 12 : 12);
    const room = (container.current?.clientWidth ?? 0) - element.offsetWidth - 4;
    element.style.transform = `translateX(${Math.round(Math.max(4, Math.min(wanted, room)))}px)`;
  });
  const followDrawing = useEffectEvent(() => placeTooltip(marked));
  const point = useEffectEvent((at: number | null) => {
    if (keyTime.current !== null) return;
    setCursor(at === null || !drawn.current ? null : placeAt(drawn.current, at));
  });
  const zoom = useEffectEvent((from: number, to: number) => onZoom(from, to));

  // A chart of other lines, or in another size, zone or theme.
  useEffect(() => {
    const target = container.current;
    if (!target || size.width === 0) return;
    const first = feed.frame();
    drawn.current = first;
    const own = createPlot(target, {
      frame: first,
      zone,
      ...size,
      colors: readColors(target),
      onDraw: () => followDrawing(),
      onPointer: (at) => point(at),
      onSelect: (from, to) => zoom(from, to),
    });
    plot.current = own;
    return () => {
      plot.current = null;
      own.destroy();
    };
  }, [feed, zone, size]);

  const draw = useEffectEvent(() => {
    const frame = feed.frame();
    const before = drawn.current;
    if (!before || frame === before) return;
    const changed = linesOf(frame);
    if (changed !== lines) {
      onLines(changed);
      return;
    }
    const width = (plot.current?.bbox.width ?? 1) / (frame.to - frame.from);
    // Moving by less than a pixel would draw the same again.
    const moves = Math.abs(frame.to - before.to) * width >= 1 || frame.from - before.from < 0;
    if (frame.data === before.data && !moves) return;
    drawn.current = frame;
    if (!plot.current) return;
    drawFrame(plot.current, frame);
    if (keyTime.current !== null) showLine(plot.current, keyTime.current);
  });
  useEffect(() => {
    let next = 0;
    let request = requestAnimationFrame(function tick(time) {
      if (time >= next) {
        next = time + drawMs;
        draw();
      }
      request = requestAnimationFrame(tick);
    });
    return () => cancelAnimationFrame(request);
  }, []);
  useLayoutEffect(() => placeTooltip(marked), [marked]);
  // A pause shows what it stops at together with its button.
  const drawIf = useEffectEvent((isWanted: boolean) => {
    if (isWanted) draw();
  });
  useLayoutEffect(() => drawIf(isPaused), [isPaused]);

  const moveTo = (place: CursorPlace | null): void => {
    if (!place) return;
    keyTime.current = place.at;
    setCursor(place);
    if (pinned) onPin(place);
    if (plot.current) showLine(plot.current, place.at);
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const frame = drawn.current ?? feed.frame();
    const at = marked?.at ?? frame.to;
    const zoomBy = (factor: number): void => {
      const half = ((frame.to - frame.from) * factor) / 2;
      onZoom(at - half, at + half);
    };
    const actions: Record<string, () => void> = {
      ArrowLeft: () => moveTo(placeAfter(frame, at, marked ? -1 : 0)),
      ArrowRight: () => moveTo(placeAfter(frame, at, marked ? 1 : 0)),
      PageDown: () => moveTo(placeAfter(frame, at, -10)),
      PageUp: () => moveTo(placeAfter(frame, at, 10)),
      Home: () => moveTo(placeAt(frame, frame.from)),
      End: () => moveTo(placeAt(frame, frame.to)),
      Enter: () => onPin(cursor),
      Escape: () => onPin(null),
      '+': () => zoomBy(0.5),
      '-': () => zoomBy(2),
    };
    const action = actions[event.key];
    if (!action) return;
    event.preventDefault();
    action();
  };
  const frame = feed.frame();
  const withoutAxis = unitsOf(frame).slice(axisCount);
  const seconds = (at: number): number => Math.round((at - frame.from) / 1_000);

  return (
    // A layer of its own: texts that change next to the chart do not draw it again.
    <div
      className={`relative rounded-card border bg-background will-change-transform ${isPaused ? 'border-warning inset-ring inset-ring-warning' : 'border-line'}`}
    >
      <div
        ref={container}
        role="slider"
        tabIndex={0}
        aria-label="Time in the chart"
        aria-orientation="horizontal"
        aria-valuemin={0}
        aria-valuemax={seconds(frame.to)}
        aria-valuenow={Math.max(0, seconds(marked?.at ?? frame.to))}
        aria-valuetext={marked ? placeText(marked, zone) : 'No time chosen'}
        className="h-[45vh] min-h-[240px] overflow-hidden rounded-card focus-visible:outline-offset-[-2px] lg:h-[60vh]"
        onKeyDown={onKeyDown}
        onFocus={({ currentTarget }) => {
          if (currentTarget.matches(':focus-visible') && !marked) moveTo(placeAt(frame, frame.to));
        }}
        onPointerMove={() => {
          keyTime.current = null;
        }}
        onClick={() => {
          if (cursor) onPin(pinned?.at === cursor.at ? null : cursor);
        }}
      />
      {marked ? (
        <div
          ref={tooltip}
          className="pointer-events-none absolute top-3 left-0 max-w-[calc(100%-8px)] rounded-card bg-background px-3 py-2 text-xs shadow-overlay"
        >
          <p className="font-medium">
            {`${dayAndClockText(zone, marked.at)} ${zoneAt(zone, marked.at)}`}
            {pinned ? <span className="font-normal text-muted"> pinned, Esc unpins</span> : null}
          </p>
          {marked.values.map(({ series, slot, text }) => (
            <p key={series} className="flex items-center gap-2">
              <Swatch slot={slot} />
              <span className="min-w-0 flex-1 wrap-anywhere">{series}</span>
              <span className="font-medium">{text}</span>
            </p>
          ))}
        </div>
      ) : null}
      <p className="pointer-events-none absolute right-3 bottom-1.5 text-xs text-muted">
        {withoutAxis.length > 0 ? `${withoutAxis.join(', ')}: no axis. ` : null}
        {axisLabel(zone, frame.to)}
      </p>
    </div>
  );
}

/** Moves the line of the cursor to a time. */
const showLine = (plot: uPlot, at: number): void =>
  plot.setCursor({ left: plot.valToPos(at, 'x'), top: 0 }, false);

/** Returns what decides that a chart has to be created again: its lines and their units. */
const linesOf = ({ lines }: Frame): string =>
  JSON.stringify(lines.map(({ series, unit, slot }) => [series, unit, slot]));

/** Returns the size of an element in CSS pixels; 0 × 0 before it is laid out. */
function useSize(element: { current: HTMLElement | null }): { width: number; height: number } {
  const [size, setSize] = useState({ width: 0, height: 0 });
  useLayoutEffect(() => {
    const target = element.current;
    if (!target) return;
    const measure = (): void => {
      const { clientWidth: width, clientHeight: height } = target;
      setSize((before) =>
        before.width === width && before.height === height ? before : { width, height },
      );
    };
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(target);
    return () => observer.disconnect();
  }, [element]);
  return size;
}

/** Reads the colours of the theme. A canvas does not know the variables of the style sheet. */
function readColors(parent: HTMLElement): Colors {
  const probe = document.createElement('span');
  parent.append(probe);
  const colorOf = (className: string): string => {
    probe.className = className;
    return getComputedStyle(probe).color;
  };
  const colors: Colors = {
    text: colorOf('text-text'),
    muted: colorOf('text-muted'),
    grid: colorOf('text-line'),
    background: colorOf('text-background'),
    lines: Array.from({ length: 8 }, (_, slot) => colorOf(lineStyle(slot).className)),
  };
  probe.remove();
  return colors;
}
