import { authenticate } from '../../lib/access/authenticate.ts';
import { exportRequestSchema } from '../../lib/contracts/export-request.ts';
import { sizes } from '../../lib/contracts/sizes.ts';
import { createExport } from '../../lib/exports/create.ts';
import { loadExport, toDocument } from '../../lib/exports/documents.ts';
import { asking } from '../../lib/exports/idempotency.ts';
import { relayWithin } from '../../lib/messaging/outbox.ts';
import { catalogue } from '../../lib/runtime/catalogue.ts';
import { refusedFields } from '../../lib/runtime/errors.ts';
import { http } from '../../lib/runtime/http.ts';
import { dispatch } from '../../lib/scheduling/dispatch.ts';

/** How long the caller waits for Kafka. With Kafka away the answer is 202 all the same. */
const relayMilliseconds = 300;

/** POST /exports */
export const handler = http(
  authenticate,
  async ({ account, body, header }) => {
    const request = body(exportRequestSchema);
    const key = header('idempotency-key');
    if (key !== undefined && (key.length === 0 || key.length > sizes.keyCharacters))
      throw refusedFields([
        { field: 'Idempotency-Key', message: `must have 1 to ${sizes.keyCharacters} characters` },
      ]);
    const id = await createExport({
      owner: account,
      request,
      asking: key === undefined ? null : asking(`account:${account.id}`, key, request),
      requestEventId: null,
    });
    await dispatch();
    await relayWithin(relayMilliseconds);
    return {
      status: 202,
      exportId: id,
      headers: { location: `/api/v1/exports/${id}`, 'retry-after': '1' },
      body: toDocument(await loadExport(catalogue(), id)),
    };
  },
  { asksSources: true },
);
