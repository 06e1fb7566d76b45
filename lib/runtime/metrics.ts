/**
 * Metrics in CloudWatch's embedded metric format: one line of JSON, from which CloudWatch makes metrics and which stays
 * readable as a log entry. No package, no call of an API: a function prints the line, CloudWatch reads it from the log.
 * (https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html)
 */

const namespace = 'StreamSync';

/** The units of the format that StreamSync uses. */
type Unit = 'Count' | 'Milliseconds' | 'Seconds';

export interface Metric {
  unit: Unit;
  value: number;
}

/** Each dimension, and all of them together, tell one series of a metric from another: they must have few values. */
type Dimensions = Readonly<Record<string, string>>;

/**
 * Prints metrics, whatever the log level is. Values that are not finite are left out, because the format has none;
 * without any value nothing is printed.
 */
export function printMetrics(
  dimensions: Dimensions,
  metrics: Readonly<Record<string, Metric>>,
  now = Date.now(),
): void {
  const finite = Object.entries(metrics).filter(([, { value }]) => Number.isFinite(value));
  if (finite.length === 0) return;
  console.log(
    JSON.stringify({
      _aws: {
        Timestamp: now,
        CloudWatchMetrics: [
          {
            Namespace: namespace,
            Dimensions: [Object.keys(dimensions)],
            Metrics: finite.map(([Name, { unit: Unit }]) => ({ Name, Unit })),
          },
        ],
      },
      ...dimensions,
      ...Object.fromEntries(finite.map(([name, { value }]) => [name, value])),
    }),
  );
}

/** A process prints at most one line in this time for the same dimensions: a stream has many small batches. */
const windowMs = 10_000;

interface Window {
  metrics: Record<string, Metric>;
  printedAt: number;
}

const windows = new Map<string, Window>();

/**
 * Adds metrics of a batch to those with the same dimensions that were not printed yet: counts are added, of others the
 * largest value is kept. They are printed now or with a later batch; what a process has not printed when it ends is
 * lost, so these metrics are for watching, not for accounting.
 */
export function addMetrics(
  dimensions: Dimensions,
  metrics: Readonly<Record<string, Metric>>,
  now = Date.now(),
): void {
  const key = JSON.stringify(dimensions);
  const window = windows.get(key) ?? { metrics: {}, printedAt: -Infinity };
  windows.set(key, window);
  for (const [name, { unit, value }] of Object.entries(metrics)) {
    const before = window.metrics[name]?.value ?? 0;
    window.metrics[name] = {
      unit,
      value: unit === 'Count' ? before + value : Math.max(before, value),
    };
  }
  if (now - window.printedAt < windowMs) return;
  printMetrics(dimensions, window.metrics, now);
  windows.set(key, { metrics: {}, printedAt: now });
}
