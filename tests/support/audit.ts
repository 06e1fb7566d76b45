import { type AuditEntry, type AuditList, auditListSchema } from '../../lib/contracts/audit.ts';
import { asAdmin, call } from './api.ts';

/** Returns a page of the audit. */
export async function auditPage(
  query: Record<string, string | number>,
  headers: Record<string, string> = asAdmin,
): Promise<AuditList> {
  const parameters = new URLSearchParams(
    Object.entries(query).map(([name, value]) => [name, String(value)]),
  );
  const answer = await call('GET', `/admin/audit?${parameters}`, { headers });
  if (answer.status !== 200) throw new Error(`${answer.status} ${answer.bytes.toString()}`);
  return answer.json(auditListSchema);
}

/** Returns the entries of one page, newest first. */
export const auditEntries = async (query: Record<string, string | number>): Promise<AuditEntry[]> =>
  (await auditPage({ limit: 200, ...query })).items;
