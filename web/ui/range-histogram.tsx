import { type KeyboardEvent, type PointerEvent, type ReactNode, useId, useState } from 'react';

interface Bar {
  /** The first instant, and the first after it; RFC 3339. */
  from: string;
  to: string;
  rows: number;
}

interface Props<B extends Bar> {
  label: string;
  /** The chart in words, for screen readers. */
  description: string;
  bars: readonly B[];
  /** Whether a bar belongs to the chosen range. */
  isChosen: (bar: B) => boolean;
  /** Returns the dates and the rows from one bar to another, in words. */
  describe: (first: B, last: B) => string;
  onChoose: (first: B, last: B) => void;
  /** The texts below the chart: at its start, in the middle, at its end. */
  captions: readonly [string, string, string];
}

/** Where a choice begins, until it ends. */
interface Anchor {
  place: number;
  /** `enter`: the other end is chosen by another Enter. */
  by: 'pointer' | 'shift' | 'enter';
}

const height = 48;
const help =
  'Arrow keys move over the bars. Shift with an arrow key chooses dates, or Enter on the first bar and again on the last.';

/**
 * A chart of rows over time, on which a range of bars is chosen: by dragging, or by keys as a slider. It knows nothing
 * about what the range is for.
 */
export function RangeHistogram<B extends Bar>(props: Props<B>): ReactNode {
  const { label, description, bars, isChosen, describe, onChoose, captions } = props;
  const helpId = useId();
  const [pointed, setPointed] = useState<number | null>(null);
  const [focused, setFocused] = useState(false);
  const [cursor, setCursor] = useState(0);
  const [anchor, setAnchor] = useState<Anchor | null>(null);
  const last = bars.length - 1;
  const current = Math.min(pointed ?? cursor, last);
  const [start, end] = [
    Math.min(anchor?.place ?? current, current),
    Math.max(anchor?.place ?? current, current),
  ];
  const textOf = (first: number, final: number): string => {
    const [a, b] = [bars[first], bars[final]];
    return a && b ? describe(a, b) : '';
  };
  const choose = (first: number, final: number): void => {
    const [a, b] = [bars[Math.min(first, final)], bars[Math.max(first, final)]];
    if (a && b) onChoose(a, b);
  };
  const isShown = pointed !== null || focused;
  const peak = bars.reduce((max, { rows }) => Math.max(max, rows), 1);

  const placeOf = ({ clientX, currentTarget }: PointerEvent): number => {
    const { left, width } = currentTarget.getBoundingClientRect();
    return Math.max(0, Math.min(last, Math.floor(((clientX - left) / width) * bars.length)));
  };

  const onKeyDown = (event: KeyboardEvent): void => {
    const next = nextPlace(event.key, cursor, last);
    if (event.key === 'Escape' && anchor) {
      // It ends the choice, and nothing else.
      event.stopPropagation();
      setAnchor(null);
    } else if (event.key === 'Enter' || event.key === ' ') {
      if (anchor?.by === 'enter') {
        choose(anchor.place, cursor);
        setAnchor(null);
      } else setAnchor({ place: cursor, by: 'enter' });
    } else if (next === undefined) return;
    else {
      if (event.shiftKey) {
        const from = anchor ?? { place: cursor, by: 'shift' };
        setAnchor(from);
        choose(from.place, next);
      } else if (anchor?.by === 'shift') setAnchor(null);
      setCursor(next);
    }
    event.preventDefault();
  };

  return (
    <figure>
      <div
        role="slider"
        tabIndex={0}
        aria-label={label}
        aria-valuemin={1}
        aria-valuemax={bars.length}
        aria-valuenow={current + 1}
        aria-valuetext={
          anchor?.by === 'enter'
            ? `${textOf(start, end)}. Enter chooses these dates.`
            : textOf(start, end)
        }
        aria-describedby={helpId}
        className="cursor-crosshair touch-pan-y rounded-control select-none"
        // After a press, the pointer says what is looked at.
        onFocus={({ currentTarget }) => setFocused(currentTarget.matches(':focus-visible'))}
        onBlur={() => {
          setFocused(false);
          setAnchor(null);
        }}
        onKeyDown={onKeyDown}
        onPointerDown={(event) => {
          if (event.button !== 0) return;
          event.currentTarget.setPointerCapture(event.pointerId);
          const place = placeOf(event);
          setPointed(place);
          setCursor(place);
          setAnchor({ place, by: 'pointer' });
        }}
        onPointerMove={(event) => setPointed(placeOf(event))}
        onPointerUp={(event) => {
          if (anchor?.by !== 'pointer') return;
          const place = placeOf(event);
          setAnchor(null);
          setCursor(place);
          choose(anchor.place, place);
        }}
        onPointerCancel={() => setAnchor(null)}
        onPointerLeave={() => setPointed(null)}
      >
        <svg
          aria-hidden="true"
          viewBox={`0 0 ${bars.length * 4} ${height}`}
          preserveAspectRatio="none"
          className="block h-12 w-full border-b border-line"
        >
          {bars.map((bar, place) => {
            const barHeight = bar.rows === 0 ? 0 : Math.max(1, (bar.rows / peak) * height);
            const isCurrent = isShown && place >= start && place <= end;
            const isAccent = anchor ? isCurrent : isChosen(bar);
            return (
              <g key={bar.from}>
                {isCurrent ? (
                  <rect x={place * 4} width={4} height={height} className="fill-hover" />
                ) : null}
                <rect
                  x={place * 4}
                  y={height - barHeight}
                  width={3}
                  height={barHeight}
                  className={isAccent ? 'fill-accent' : 'fill-control'}
                />
              </g>
            );
          })}
        </svg>
      </div>
      <figcaption className="mt-1 flex min-h-4 justify-between gap-2 text-xs text-muted">
        {isShown ? (
          <span className="flex-1 text-center">{textOf(start, end)}</span>
        ) : (
          captions.map((caption, place) => (
            <span key={place} className="whitespace-nowrap">
              {caption}
            </span>
          ))
        )}
      </figcaption>
      <p id={helpId} className="sr-only">{`${description} ${help}`}</p>
    </figure>
  );
}

/** Returns the bar to which a key moves; undefined for other keys. */
function nextPlace(key: string, place: number, last: number): number | undefined {
  const places: Record<string, number> = {
    ArrowRight: place + 1,
    ArrowUp: place + 1,
    ArrowLeft: place - 1,
    ArrowDown: place - 1,
    PageUp: place + 10,
    PageDown: place - 10,
    Home: 0,
    End: last,
  };
  const next = places[key];
  return next === undefined ? undefined : Math.max(0, Math.min(last, next));
}
