/**
 * Spans by OpenTelemetry, from a request through Kafka to the worker. They are sent to the collector of
 * `OTEL_EXPORTER_OTLP_ENDPOINT`; without it no span is recorded, and no message has a `traceparent`
 * (https://www.w3.org/TR/trace-context/). Does not read `config()`: a wrong configuration must be traceable, too.
 */
import {
  type Attributes,
  context,
  propagation,
  ROOT_CONTEXT,
  type Span,
  type SpanKind,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api';
import type { TracerProvider } from '@opentelemetry/sdk-trace';
import { AppError } from './errors.ts';
import { settledWithin } from './timeout.ts';

/** An invocation ends at most this much later because of its spans. */
const flushMs = 1_000;

const { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint = '' } = process.env;
const provider = endpoint === '' ? undefined : await startTracing();
/** Whether this process records spans. */
export const isTracing = provider !== undefined;
const tracer = trace.getTracer('streamsync');

/** Loads the SDK, 2 MB of memory, only where spans are recorded. */
async function startTracing(): Promise<TracerProvider> {
  const { createProvider } = await import('./tracer-provider.ts');
  return createProvider(process.env);
}

interface SpanSettings {
  kind: SpanKind;
  /** The `traceparent` of the span that caused this one. Absent: the span in which this one starts. */
  parent?: string | undefined;
  /** The `traceparent` of other spans that caused this one. */
  links?: readonly string[];
  attributes?: Attributes;
}

const contextOf = (traceparent: string) => propagation.extract(ROOT_CONTEXT, { traceparent });

/** Runs `work` in a span, which has failed if `work` throws. */
export function withSpan<T>(
  name: string,
  { kind, parent, links = [], attributes = {} }: SpanSettings,
  work: (span: Span) => Promise<T>,
): Promise<T> {
  const outer = parent === undefined ? context.active() : contextOf(parent);
  const linked = links.flatMap((link) => trace.getSpanContext(contextOf(link)) ?? []);
  const settings = { kind, attributes, links: linked.map((to) => ({ context: to })) };
  return tracer.startActiveSpan(name, settings, outer, async (span) => {
    try {
      return await work(span);
    } catch (error) {
      // The message may quote what was sent; the log has it, without secrets.
      span.setAttribute('error.type', error instanceof AppError ? error.code : 'internal');
      span.setStatus({ code: SpanStatusCode.ERROR });
      throw error;
    } finally {
      span.end();
    }
  });
}

/** Returns the `traceparent` of the current span, undefined if there is no tracing. */
export function currentTraceparent(): string | undefined {
  const carrier: { traceparent?: string } = {};
  propagation.inject(context.active(), carrier);
  return carrier.traceparent;
}

/**
 * Sends the spans of an invocation before it ends, because Lambda freezes the process then. Spans that the collector
 * does not accept in time are sent with those of a later invocation.
 */
export async function flushSpans(): Promise<void> {
  if (provider) await settledWithin(provider.forceFlush(), flushMs);
}
