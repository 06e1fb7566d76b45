import { z } from 'zod';
import type { Queryable } from '../runtime/catalogue.ts';
import { explainRows, type Selection } from './query.ts';

const planSchema = z.tuple([z.object({ Plan: z.object({ 'Plan Rows': z.number() }) })]);

/** How many rows the source's planner expects. Reads nothing of the dataset. */
export async function estimateRows(client: Queryable, selection: Selection): Promise<number> {
  const { rows } = await client.query<{ 'QUERY PLAN': unknown }>(explainRows(selection));
  const [{ Plan }] = planSchema.parse(rows[0]?.['QUERY PLAN']);
  return Math.round(Plan['Plan Rows']);
}
