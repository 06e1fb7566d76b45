import { authenticate } from '../../lib/access/authenticate.ts';
import { exportRequestSchema } from '../../lib/contracts/export-request.ts';
import { sizes } from '../../lib/contracts/sizes.ts';
import { idempotencyKeyFor } from '../../lib/exports/events/idempotency.ts';
import { toDocument } from '../../lib/exports/export-document.ts';
import { loadExport } from '../../lib/exports/export-record.ts';
import { createExport } from '../../lib/exports/lifecycle/create.ts';
import { relayWithTimeout } from '../../lib/messaging/outbox.ts';
import { catalogue } from '../../lib/runtime/catalogue.ts';
import { invalidFields } from '../../lib/runtime/errors.ts';
import { httpHandler } from '../../lib/runtime/http-handler.ts';
import { dispatch } from '../../lib/scheduling/dispatch.ts';

/** How long the caller waits for Kafka. The answer is 202 even if Kafka is down. */
const relayMs = 300;

/** POST /exports */
export const handler = httpHandler(
  authenticate,
  async ({ account, body, header }) => {
    const request = body(exportRequestSchema);
    const key = header('idempotency-key');
    if (key !== undefined && (key.length === 0 || key.length > sizes.keyCharacters))
      throw invalidFields([
        { field: 'Idempotency-Key', message: `must have 1 to ${sizes.keyCharacters} characters` },
      ]);
    const id = await createExport({
      owner: account,
      request,
      idempotencyKey:
        key === undefined ? null : idempotencyKeyFor(`account:${account.id}`, key, request),
      requestEventId: null,
    });
    await dispatch();
    await relayWithTimeout(relayMs);
    return {
      status: 202,
      exportId: id,
      headers: { location: `/api/v1/exports/${id}`, 'retry-after': '1' },
      body: toDocument(await loadExport(catalogue(), id)),
    };
  },
  { asksSources: true },
);
