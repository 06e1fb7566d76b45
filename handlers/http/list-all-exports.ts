import { administrator } from '../../lib/access/authenticate.ts';
import { csvResponse, nextPath, wantsCsv } from '../../lib/admin/csv.ts';
import { exportsCsv, listAllExports } from '../../lib/admin/list-exports.ts';
import { adminExportsQuerySchema } from '../../lib/contracts/admin.ts';
import { catalogue } from '../../lib/runtime/catalogue.ts';
import { httpHandler } from '../../lib/runtime/http-handler.ts';

/** GET /admin/exports */
export const handler = httpHandler(
  administrator('see the exports of all accounts'),
  async ({ query, header }) => {
    const parsed = query(adminExportsQuerySchema);
    if (wantsCsv(header('accept')))
      return csvResponse(
        exportsCsv(catalogue(), parsed),
        parsed,
        nextPath('/api/v1/admin/exports', parsed),
      );
    return {
      status: 200,
      body: await listAllExports(catalogue(), parsed, parsed.limit ?? 50),
    };
  },
);
