import { authenticateUnlessBrowser } from '../../lib/access/authenticate.ts';
import { issueTicket } from '../../lib/delivery/tickets.ts';
import { findExport } from '../../lib/exports/export-record.ts';
import { catalogue } from '../../lib/runtime/catalogue.ts';
import { httpHandler } from '../../lib/runtime/http-handler.ts';

/**
 * GET /exports/{id}/file, the link in events. A browser that opens it sends no credentials, so it is redirected to the
 * page of the export, which has them.
 */
export const handler = httpHandler(authenticateUnlessBrowser, async ({ account, param, uuid }) => {
  if (!account)
    return {
      status: 302,
      headers: { location: `/exports/${encodeURIComponent(param('id'))}` },
      unaudited: true,
    };
  const { url } = await issueTicket(account, await findExport(catalogue(), account.id, uuid('id')));
  return { status: 302, headers: { location: url } };
});
