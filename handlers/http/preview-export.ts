import { authenticate } from '../../lib/access/authenticate.ts';
import { exportRequestSchema } from '../../lib/contracts/export-request.ts';
import { previewExport } from '../../lib/engine/preview.ts';
import { http } from '../../lib/runtime/http.ts';

/** POST /exports/preview */
export const handler = http(
  authenticate,
  async ({ account, body }) => ({
    status: 200,
    body: await previewExport(account, body(exportRequestSchema)),
  }),
  { asksSources: true },
);
