import { authenticate } from '../../lib/access/authenticate.ts';
import { exportRequestSchema } from '../../lib/contracts/export-request.ts';
import { estimateExport } from '../../lib/exports/planning/plan.ts';
import { httpHandler } from '../../lib/runtime/http-handler.ts';

/** POST /exports/estimate */
export const handler = httpHandler(
  authenticate,
  async ({ account, body }) => ({
    status: 200,
    body: await estimateExport(account, body(exportRequestSchema)),
  }),
  { asksSources: true },
);
