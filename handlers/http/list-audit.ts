import { administrator } from '../../lib/access/authenticate.ts';
import { csvResponse, nextPath, wantsCsv } from '../../lib/admin/csv.ts';
import { auditCsv, listAudit } from '../../lib/admin/list-audit.ts';
import { auditQuerySchema } from '../../lib/contracts/audit.ts';
import { catalogue } from '../../lib/runtime/catalogue.ts';
import { httpHandler } from '../../lib/runtime/http-handler.ts';

/** GET /admin/audit */
export const handler = httpHandler(administrator('read the audit'), async ({ query, header }) => {
  const parsed = query(auditQuerySchema);
  if (wantsCsv(header('accept')))
    return csvResponse(
      auditCsv(catalogue(), parsed),
      parsed,
      nextPath('/api/v1/admin/audit', parsed),
    );
  return {
    status: 200,
    body: await listAudit(catalogue(), parsed, parsed.limit ?? 50),
  };
});
