import { authenticate, hasCredentials } from '../../lib/access/authenticate.ts';
import { issueTicket } from '../../lib/delivery/tickets.ts';
import { findExport } from '../../lib/exports/documents.ts';
import { catalogue } from '../../lib/runtime/catalogue.ts';
import { anonymous, http } from '../../lib/runtime/http.ts';

/**
 * GET /exports/{id}/file: the link that events carry. A browser that opens it has no credentials: it is
 * sent to the page of the export, which has.
 */
export const handler = http(anonymous, async ({ param, uuid, header }) => {
  if (!hasCredentials(header) && (header('accept') ?? '').includes('text/html'))
    return { status: 302, headers: { location: `/exports/${encodeURIComponent(param('id'))}` } };
  const account = await authenticate(header);
  const { url } = await issueTicket(account, await findExport(catalogue(), account.id, uuid('id')));
  return { status: 302, headers: { location: url } };
});
