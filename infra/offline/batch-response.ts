import { z } from 'zod';

/** Of what a function returns, with `ReportBatchItemFailures`. */
const responseSchema = z
  .object({
    batchItemFailures: z
      .array(
        z.object({ itemIdentifier: z.object({ partition: z.string(), offset: z.int().min(0) }) }),
      )
      .nullish(),
  })
  .nullish();

/**
 * Returns the offsets of `partition` ("topic-0") that a response reports as failed, none for null or an empty object.
 * Returns undefined if the whole batch failed: the response has another form, or an offset that was not in the event.
 * https://docs.aws.amazon.com/lambda/latest/dg/kafka-retry-configurations.html
 */
export function failedOffsets(
  response: unknown,
  partition: string,
  offsets: ReadonlySet<number>,
): ReadonlySet<number> | undefined {
  const parsed = responseSchema.safeParse(response);
  if (!parsed.success) return undefined;
  const failures = parsed.data?.batchItemFailures ?? [];
  const isKnown = failures.every(
    ({ itemIdentifier: it }) => it.partition === partition && offsets.has(it.offset),
  );
  return isKnown ? new Set(failures.map((it) => it.itemIdentifier.offset)) : undefined;
}
