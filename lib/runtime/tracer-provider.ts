import { context, propagation, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { W3CTraceContextPropagator } from '@opentelemetry/core';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { resourceFromAttributes } from '@opentelemetry/resources';
import {
  BatchSpanProcessor,
  ParentBasedSampler,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from '@opentelemetry/sdk-trace';

/** Returns what records the spans of this process and sends them to the collector, and makes it that of the API. */
export function createProvider({
  OTEL_TRACES_SAMPLER_ARG: ratio = '',
  POWERTOOLS_SERVICE_NAME: service = 'streamsync',
  AWS_LAMBDA_FUNCTION_NAME: functionName,
}: NodeJS.ProcessEnv): TracerProvider {
  const provider = new TracerProvider({
    resource: resourceFromAttributes({ 'service.name': service, 'faas.name': functionName }),
    sampler: new ParentBasedSampler({
      root: new TraceIdRatioBasedSampler(ratio === '' ? 1 : Number(ratio)),
    }),
    spanProcessors: [new BatchSpanProcessor({ exporter: new OTLPTraceExporter() })],
  });
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  propagation.setGlobalPropagator(new W3CTraceContextPropagator());
  trace.setGlobalTracerProvider(provider);
  return provider;
}
