import type { FunctionOfService } from './service.ts';

/** A metric of CloudWatch, as alarms have it. */
export interface Metric {
  Namespace: string;
  MetricName: string;
  Dimensions: readonly { Name: string; Value: string | { Ref: string } }[];
}

export const metricOf = (MetricName: string, { lambdaName }: FunctionOfService): Metric => ({
  Namespace: 'AWS/Lambda',
  MetricName,
  Dimensions: [{ Name: 'FunctionName', Value: lambdaName }],
});

/** Of the HTTP API of this service. */
export const httpMetric = (MetricName: string): Metric => ({
  Namespace: 'AWS/ApiGateway',
  MetricName,
  Dimensions: [{ Name: 'ApiId', Value: { Ref: 'HttpApi' } }],
});

/** A metric that functions print (`lib/runtime/metrics.ts`), of all functions together. */
export const ownMetric = (MetricName: string, stage: string): Metric => ({
  Namespace: 'StreamSync',
  MetricName,
  Dimensions: [{ Name: 'service', Value: `streamsync-${stage}` }],
});
