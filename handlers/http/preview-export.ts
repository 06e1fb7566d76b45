import { authenticate } from '../../lib/access/authenticate.ts';
import { exportRequestSchema } from '../../lib/contracts/export-request.ts';
import { previewExport } from '../../lib/engine/read/preview.ts';
import { httpHandler } from '../../lib/runtime/http-handler.ts';

/** POST /exports/preview */
export const handler = httpHandler(
  authenticate,
  async ({ account, body }) => ({
    status: 200,
    body: await previewExport(account, body(exportRequestSchema)),
  }),
  { asksSources: true },
);
