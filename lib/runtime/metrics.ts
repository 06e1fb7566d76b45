/**
 * Metrics in CloudWatch's embedded metric format: one line of JSON, from which CloudWatch makes metrics and which stays
 * readable as a log entry. A function prints the line, CloudWatch reads it from the log: no API is called.
 * (https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html)
 */
import { Metrics } from '@aws-lambda-powertools/metrics';

/** The units of the format that StreamSync uses. */
type Unit = 'Count' | 'Bytes' | 'Milliseconds' | 'Seconds';

export interface Metric {
  unit: Unit;
  value: number;
}

/** Each dimension, and all of them together, tell one series of a metric from another: they must have few values. */
type Dimensions = Readonly<Record<string, string>>;

/**
 * A further dimension, `service`, is `POWERTOOLS_SERVICE_NAME`: it has the stage, so that stages of an account have
 * metrics of their own.
 */
const metricsOfProcess = new Metrics({ namespace: 'StreamSync' });

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
  metricsOfProcess.addDimensions(dimensions).setTimestamp(now);
  for (const [name, { unit, value }] of finite) metricsOfProcess.addMetric(name, unit, value);
  metricsOfProcess.publishStoredMetrics();
}

/** Units whose values are added up. Of others the largest value is kept. */
const sums: ReadonlySet<Unit> = new Set(['Count', 'Bytes']);

/** A process prints at most one line in this time for the same dimensions: a stream has many small batches. */
const windowMs = 10_000;

interface Window {
  metrics: Record<string, Metric>;
  printedAt: number;
}

const windows = new Map<string, Window>();

/**
 * Adds metrics of a batch to those with the same dimensions that were not printed yet: counts and bytes are added, of others
 * the largest value is kept. They are printed now or with a later batch; what a process has not printed when it ends is
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
      value: sums.has(unit) ? before + value : Math.max(before, value),
    };
  }
  if (now - window.printedAt < windowMs) return;
  printMetrics(dimensions, window.metrics, now);
  windows.set(key, { metrics: {}, printedAt: now });
}
