import { z } from 'zod';
import type { Queryable } from '../runtime/catalogue.ts';
import { explainRows, type Selection } from './query.ts';

const nodeSchema = z.object({ 'Node Type': z.string() });
const planSchema = z.tuple([
  z.object({
    Plan: nodeSchema.extend({
      'Plan Rows': z.number(),
      'Plan Width': z.number(),
      'Total Cost': z.number(),
      Plans: z.array(nodeSchema).optional(),
    }),
  }),
]);

export interface Estimate {
  rows: number;
  seconds: number;
  /** Page after page of one table is looked at, whatever is taken of it. */
  readsAllPages: boolean;
}

/**
 * What things take, from exports of the demo data on two cores: making and sending a row and a byte of
 * it, and a unit of the planner's cost (a page read, a hundred rows looked at).
 */
const secondsPerRow = 0.6e-6;
const secondsPerByte = 12e-9;
const secondsPerCost = 8e-6;

/** A planner's idea of a product of large tables knows no end; our numbers have one. */
const mostRows = Number.MAX_SAFE_INTEGER;
const mostSeconds = 2 ** 31 - 1;

/** What the source's planner expects. Reads nothing of the dataset. */
export async function estimate(client: Queryable, selection: Selection): Promise<Estimate> {
  const { rows } = await client.query<{ 'QUERY PLAN': unknown }>(explainRows(selection));
  const [{ Plan }] = planSchema.parse(rows[0]?.['QUERY PLAN']);
  const expected = Math.min(mostRows, Math.round(Plan['Plan Rows']));
  const seconds =
    expected * (secondsPerRow + Plan['Plan Width'] * secondsPerByte) +
    Plan['Total Cost'] * secondsPerCost;
  // Of several processes of the server each takes some of the pages.
  const reads = Plan['Node Type'] === 'Gather' ? Plan.Plans?.[0] : Plan;
  return {
    rows: expected,
    seconds: Math.min(mostSeconds, seconds),
    readsAllPages: reads?.['Node Type'] === 'Seq Scan',
  };
}
