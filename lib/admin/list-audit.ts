import { z } from 'zod';
import type { AuditEntry, AuditList, AuditQuery } from '../contracts/audit.ts';
import type { Queryable } from '../runtime/catalogue.ts';
import type { CsvList } from './csv.ts';
import { cursorOf, readCursor } from './cursor.ts';

const positionSchema = z.int().positive();

type Row = Omit<AuditEntry, 'id' | 'at'> & { id: number; at: Date };

/** Returns a page of the audit, newest first. */
export async function listAudit(
  client: Queryable,
  { cursor, actor, action, export: exportId, from, to }: AuditQuery,
  limit: number,
): Promise<AuditList> {
  const before = cursor === undefined ? null : readCursor(positionSchema, cursor);
  const conditions: string[] = [];
  const values: unknown[] = [];
  const add = (condition: (parameter: string) => string, value: unknown): void => {
    if (value === undefined || value === null) return;
    values.push(value);
    conditions.push(condition(`$${values.length}`));
  };
  // Only the conditions that there are, so that the planner can choose the index of one.
  add((it) => `id < ${it}`, before);
  add((it) => `lower(actor) = lower(${it})`, actor);
  add((it) => `action = ${it}`, action);
  add((it) => `export_id = ${it}`, exportId);
  add((it) => `at >= ${it}`, from);
  add((it) => `at < ${it}`, to);
  values.push(limit + 1);
  const { rows } = await client.query<Row>(
    `select id, at, actor, action, target, address, outcome, details from audit.entries
     ${conditions.length === 0 ? '' : `where ${conditions.join(' and ')}`}
     order by id desc limit $${values.length}`,
    values,
  );
  const page = rows.slice(0, limit);
  const last = page.at(-1);
  return {
    items: page.map((row) => ({ ...row, id: String(row.id), at: row.at.toISOString() })),
    nextCursor: rows.length > limit && last ? cursorOf(last.id) : null,
  };
}

/** Returns the same as CSV. */
export const auditCsv = (client: Queryable, query: AuditQuery): CsvList<AuditEntry> => ({
  header: ['id', 'at', 'actor', 'action', 'target', 'address', 'outcome', 'details'],
  toRow: ({ id, at, actor, action, target, address, outcome, details }) => [
    id,
    at,
    actor,
    action,
    target,
    address,
    outcome,
    JSON.stringify(details),
  ],
  read: (cursor, limit) => listAudit(client, { ...query, cursor }, limit),
});
