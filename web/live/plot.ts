import uPlot from 'uplot';
import type { AlignedValues } from './chart-data.ts';
import type { Frame } from './feed.ts';
import type { Gap } from './gaps.ts';
import { clockText, dayAndClockText, spanText, valueText } from './labels.ts';
import { lineStyle } from './line-style.ts';

interface PlotOptions {
  frame: Frame;
  zone: string;
  width: number;
  height: number;
  colors: Colors;
  /** Called after each drawing, and when the pointer moves. */
  onDraw: () => void;
  onPointer: (at: number | null) => void;
  onSelect: (from: number, to: number) => void;
}

/** Colours of the theme as the canvas takes them. */
export interface Colors {
  text: string;
  muted: string;
  grid: string;
  background: string;
  lines: readonly string[];
}

const minute = 60_000;
const day = 24 * 60 * minute;
const font = '12px system-ui, sans-serif';
const labelGap = 6;
const labelHeight = 14;

const isNarrow = (width: number): boolean => width < 480;

/** Returns the width for the names of the lines at their ends. */
const labelWidth = (width: number): number => (isNarrow(width) ? 64 : 128);

/** The units that have an axis. */
export const axisCount = 2;

/** The height above the chart, where the units are, and the width of an axis of values. */
const topHeight = 26;
const axisWidth = (width: number): number => (isNarrow(width) ? 42 : 52);

/** Creates a chart whose lines have their names at their ends. Each unit has a scale; the first two have an axis. */
export function createPlot(target: HTMLElement, options: PlotOptions): uPlot {
  const { frame, zone, width, height, colors } = options;
  const units = unitsOf(frame);
  const axes = units.slice(0, axisCount);
  const line = { stroke: colors.grid, width: 1 };
  const axis = { stroke: colors.muted, font, grid: line, ticks: { ...line, size: 4 } };
  return new uPlot(
    {
      width,
      height,
      ms: 1,
      tzDate: (at) => uPlot.tzDate(new Date(at), zone),
      padding: [topHeight, labelWidth(width), 0, 0],
      legend: { show: false },
      scales: {
        x: { time: true, auto: false, min: frame.from, max: frame.to },
        ...Object.fromEntries(units.map((unit) => [scaleOf(unit), { range: paddedRange }])),
      },
      axes: [
        {
          ...axis,
          space: 90,
          values: (_plot, times, _index, _space, step) => timeTexts(zone, times, step),
        },
        ...axes.map(
          (unit, index): uPlot.Axis => ({
            ...axis,
            scale: scaleOf(unit),
            side: index === 0 ? 3 : 1,
            size: axisWidth(width),
            grid: index === 0 ? line : { show: false },
            values: (_plot, values) => values.map((value) => valueText(value)),
          }),
        ),
      ],
      series: [
        {},
        ...frame.lines.map(
          ({ series, unit, slot }): uPlot.Series => ({
            label: series,
            scale: scaleOf(unit),
            stroke: colors.lines[slot] ?? colors.text,
            width: 1.5,
            dash: [...lineStyle(slot).dash],
            points: { show: isAlone },
          }),
        ),
      ],
      cursor: {
        y: false,
        drag: { x: true, y: false, setScale: false },
        points: { size: 7 },
      },
      hooks: {
        drawClear: [(plot) => drawBands(plot, options)],
        drawAxes: [(plot) => drawTexts(plot, options)],
        draw: [(plot) => drawLabels(plot, options), options.onDraw],
        setCursor: [
          ({ cursor, posToVal }) => {
            const { left = -1 } = cursor;
            options.onPointer(left < 0 ? null : posToVal(left, 'x'));
          },
        ],
        setSelect: [
          (plot) => {
            const { left, width: selected } = plot.select;
            if (selected < 5) return;
            options.onSelect(plot.posToVal(left, 'x'), plot.posToVal(left + selected, 'x'));
            plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
          },
        ],
      },
    },
    copyOf(frame.data.aligned),
    target,
  );
}

/** The frame that a chart shows, if it is not that of its options any more. */
const frames = new WeakMap<uPlot, Frame>();

/** Draws another frame of the same lines. */
export function drawFrame(plot: uPlot, frame: Frame): void {
  frames.set(plot, frame);
  plot.batch(() => {
    plot.setData(copyOf(frame.data.aligned), false);
    plot.setScale('x', { min: frame.from, max: frame.to });
  });
}

const copyOf = ([times, ...lines]: AlignedValues): uPlot.AlignedData => [times, ...lines];

const scaleOf = (unit: string): string => `y ${unit}`;

/** A range with some room; a line of one value is in the middle. */
const paddedRange: uPlot.Range.Function = (_plot, min, max) => {
  if (min === null || max === null) return [0, 1];
  const pad = max === min ? Math.max(Math.abs(max) * 0.05, 0.5) : (max - min) * 0.08;
  return [min - pad, max + pad];
};

/** Draws points only where lines cannot be: a line of one reading. */
const isAlone = (plot: uPlot, series: number): boolean => {
  const values = plot.data[series] ?? [];
  let count = 0;
  for (const value of values) if (value != null && ++count > 1) return false;
  return count === 1;
};

/** Texts of the time axis: seconds where the steps need them, and the day where it changes. */
function timeTexts(zone: string, times: readonly number[], step: number): string[] {
  let lastDay = '';
  return times.map((at) => {
    const [clock, dayText] = [clockText(zone, at), dayAndClockText(zone, at).slice(0, -9)];
    const isNewDay = dayText !== lastDay;
    const isFirst = lastDay === '';
    lastDay = dayText;
    if (step >= day) return dayText;
    const time = step < minute ? clock : clock.slice(0, 5);
    return isNewDay && !isFirst ? `${dayText}\n${time}` : time;
  });
}

/** Returns the units of the lines. The first two have an axis. */
export const unitsOf = ({ lines }: Frame): string[] => [...new Set(lines.map(({ unit }) => unit))];

/** Fills the times without readings. */
function drawBands(plot: uPlot, { frame, colors }: PlotOptions): void {
  const { ctx, bbox } = plot;
  ctx.save();
  ctx.fillStyle = colors.grid;
  ctx.globalAlpha = 0.5;
  for (const { left, width } of bandsOf(plot, frame))
    ctx.fillRect(left, bbox.top, width, bbox.height);
  ctx.restore();
}

/** Returns the visible parts of the times without readings, in px of the canvas. */
function bandsOf(plot: uPlot, frame: Frame): (Gap & { left: number; width: number })[] {
  const { left: start, width: whole } = plot.bbox;
  return (frames.get(plot) ?? frame).data.bands.flatMap((band) => {
    const left = Math.max(start, plot.valToPos(band.from, 'x', true));
    const right = Math.min(start + whole, plot.valToPos(band.to, 'x', true));
    return right > left ? [{ ...band, left, width: right - left }] : [];
  });
}

/** Writes the units above their axes, and into the bands that there is no data. */
function drawTexts(plot: uPlot, { frame, zone, colors }: PlotOptions): void {
  const current = frames.get(plot) ?? frame;
  const { ctx, bbox } = plot;
  const ratio = uPlot.pxRatio;
  ctx.save();
  ctx.font = scaledFont();
  ctx.fillStyle = colors.muted;
  ctx.textBaseline = 'middle';
  const units = unitsOf(current).slice(0, axisCount);
  for (const [index, unit] of units.entries()) {
    ctx.textAlign = index === 0 ? 'right' : 'left';
    const x = index === 0 ? bbox.left - 8 * ratio : bbox.left + bbox.width + 8 * ratio;
    ctx.fillText(unit, x, bbox.top - 14 * ratio);
  }
  ctx.textAlign = 'center';
  for (const { from, to, left, width } of bandsOf(plot, frame)) {
    const text = `No data ${spanText(zone, from, to)}`;
    if (ctx.measureText(text).width < width + 60 * ratio)
      ctx.fillText(text, left + width / 2, bbox.top - 14 * ratio);
  }
  ctx.restore();
}

/** Writes the name of each line at its end, below each other where lines end close together. */
function drawLabels(plot: uPlot, { frame, colors, width }: PlotOptions): void {
  const current = frames.get(plot) ?? frame;
  const { ctx, bbox } = plot;
  const ratio = uPlot.pxRatio;
  const labels = current.lines
    .flatMap(({ series, unit, slot }, index) => {
      const values = plot.data[index + 1] ?? [];
      const value = Array.from(values).findLast((candidate) => candidate != null);
      if (value == null) return [];
      return [{ series, slot, y: plot.valToPos(value, scaleOf(unit), true) }];
    })
    .toSorted((a, b) => a.y - b.y);
  const isCrowded = labels.length > 6 || isNarrow(width);
  const step = labelHeight * ratio * (isCrowded ? 1 : 2);
  const bottom = bbox.top + bbox.height;
  let lowest = bbox.top - step / 2;
  for (const label of labels) {
    label.y = Math.max(label.y, lowest + step);
    lowest = label.y;
  }
  let highest = bottom + step / 2;
  for (const label of labels.toReversed()) {
    label.y = Math.min(label.y, highest - step);
    highest = label.y;
  }
  const secondAxis = plot.axes.length > 2 ? axisWidth(width) : 0;
  const left = bbox.left + bbox.width + (labelGap + secondAxis) * ratio;
  const room = (labelWidth(width) - labelGap - 2) * ratio;
  ctx.save();
  ctx.font = scaledFont();
  ctx.textAlign = 'left';
  ctx.textBaseline = 'middle';
  for (const { series, slot, y } of labels) {
    ctx.fillStyle = colors.lines[slot] ?? colors.text;
    const texts = isCrowded ? [fitted(ctx, series, room)] : wrapped(ctx, series, room);
    for (const [index, text] of texts.entries())
      ctx.fillText(text, left, y + (index - (texts.length - 1) / 2) * labelHeight * ratio);
  }
  ctx.restore();
}

/** Returns a name in two texts that fit, divided where its parts are. */
function wrapped(ctx: CanvasRenderingContext2D, name: string, room: number): string[] {
  if (ctx.measureText(name).width <= room) return [name];
  const ends = [...name.matchAll(/[/._:\- ]/g)].map(({ index }) => index + 1);
  const end = ends.findLast((candidate) => ctx.measureText(name.slice(0, candidate)).width <= room);
  return end === undefined
    ? [fitted(ctx, name, room)]
    : [name.slice(0, end), fitted(ctx, name.slice(end), room)];
}

/** Returns a text that fits, without its middle: names differ at both ends. */
function fitted(ctx: CanvasRenderingContext2D, text: string, room: number): string {
  if (ctx.measureText(text).width <= room) return text;
  for (let kept = text.length - 1; kept > 2; kept--) {
    const shorter = `${text.slice(0, Math.ceil(kept / 2))}…${text.slice(text.length - Math.floor(kept / 2))}`;
    if (ctx.measureText(shorter).width <= room) return shorter;
  }
  return '…';
}

const scaledFont = (): string => `${12 * uPlot.pxRatio}px system-ui, sans-serif`;
