import { exportDocumentSchema } from '../../lib/contracts/export-document.ts';
import { call, createExport, monthOfOrders } from './api.ts';
import { waitFor } from './wait-for.ts';

/** Creates an export of an account, waits until it is ready, and returns its id. */
export async function readyExport(
  headers: Record<string, string>,
  request: object = monthOfOrders,
): Promise<string> {
  const { id } = await createExport(request, headers);
  await waitFor(`export ${id} is ready`, async () => {
    const answer = await call('GET', `/exports/${id}`, { headers });
    const { status, error } = answer.json(exportDocumentSchema);
    if (error) throw new Error(`${error.code}: ${error.message}`);
    return status === 'ready' ? true : undefined;
  });
  return id;
}
