import { z } from 'zod';
import type { Entry } from './batch.ts';

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
 * Returns the records of an event that a response reports as failed, in the order of the event; none for null or an
 * empty object. Returns undefined if the whole batch failed: the response has another form, or a partition or an offset
 * that was not in the event.
 * https://docs.aws.amazon.com/lambda/latest/dg/kafka-retry-configurations.html
 */
export function reportedEntries(
  response: unknown,
  entries: readonly Entry[],
): readonly Entry[] | undefined {
  const parsed = responseSchema.safeParse(response);
  if (!parsed.success) return undefined;
  const reported = new Set(
    parsed.data?.batchItemFailures?.map(
      ({ itemIdentifier: { partition, offset } }) => `${partition}@${offset}`,
    ),
  );
  const failed = entries.filter(({ record: { topic, partition, offset } }) =>
    reported.has(`${topic}-${partition}@${offset}`),
  );
  return failed.length === reported.size ? failed : undefined;
}
