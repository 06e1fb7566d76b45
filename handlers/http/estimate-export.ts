import { authenticate } from '../../lib/access/authenticate.ts';
import { exportRequestSchema } from '../../lib/contracts/export-request.ts';
import { estimateExport } from '../../lib/exports/plan.ts';
import { http } from '../../lib/runtime/http.ts';

/** POST /exports/estimate */
export const handler = http(
  authenticate,
  async ({ account, body }) => ({
    status: 200,
    body: await estimateExport(account, body(exportRequestSchema)),
  }),
  { asksSources: true },
);
