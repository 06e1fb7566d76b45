import type pg from 'pg';
import { z } from 'zod';
import type { Queryable } from '../runtime/catalogue.ts';
import { errorCode } from '../runtime/errors.ts';
import { countRowsSql, explainRows, type Selection } from './query.ts';
import { attempt } from './question.ts';

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
  /** The planner scans every page of one table, however few rows are selected. */
  readsAllPages: boolean;
}

/**
 * Durations measured with exports of the demo data on two cores: to encode and send a row and a byte of it, and of a
 * unit of the planner's cost (reading a page, or filtering 100 rows).
 */
const secondsPerRow = 0.6e-6;
const secondsPerByte = 12e-9;
const secondsPerCost = 8e-6;

/** A planner's estimate of a product of large tables is unbounded; these are the limits of the result. */
const maxRows = Number.MAX_SAFE_INTEGER;
const maxSeconds = 2 ** 31 - 1;

/** Rows that are counted at most, and for how long. */
const maxCountedRows = 1_000_000;
const countMs = 1_500;

/**
 * Returns the estimate of a selection of which a grant hides rows. The planner would estimate the conditions of the
 * request by statistics of all rows, so the rows are counted; if they are too many, it is the planner's estimate of all
 * rows that the grant permits, whatever the request selects of them.
 *
 * @param client in a transaction of a question, whose statement timeout it sets
 */
export async function estimatePermitted(
  client: pg.ClientBase,
  selection: Selection,
): Promise<Estimate> {
  const all = await estimate(client, {
    ...selection,
    from: undefined,
    to: undefined,
    where: [],
    ordered: false,
  });
  const rows = await countRows(client, selection);
  return rows < maxCountedRows ? { ...all, rows, seconds: rows * secondsPerRow } : all;
}

/** Returns the number of rows of a selection, or infinity if they cannot be counted in time. */
async function countRows(client: pg.ClientBase, selection: Selection): Promise<number> {
  try {
    return await attempt(client, async () => {
      await client.query(`set local statement_timeout = ${countMs}`);
      const { rows } = await client.query<{ rows: number }>(
        countRowsSql(selection, maxCountedRows),
      );
      return rows[0]?.rows ?? 0;
    });
  } catch (error) {
    if (errorCode(error) === '57014') return Number.POSITIVE_INFINITY;
    throw error;
  }
}

/** Returns the estimate of the source's planner. Reads no row of the dataset. */
export async function estimate(client: Queryable, selection: Selection): Promise<Estimate> {
  const { rows } = await client.query<{ 'QUERY PLAN': unknown }>(explainRows(selection));
  const [{ Plan }] = planSchema.parse(rows[0]?.['QUERY PLAN']);
  const expectedRows = Math.min(maxRows, Math.round(Plan['Plan Rows']));
  const seconds =
    expectedRows * (secondsPerRow + Plan['Plan Width'] * secondsPerByte) +
    Plan['Total Cost'] * secondsPerCost;
  // Under `Gather`, parallel processes of the server share the pages.
  const scan = Plan['Node Type'] === 'Gather' ? Plan.Plans?.[0] : Plan;
  return {
    rows: expectedRows,
    seconds: Math.min(maxSeconds, seconds),
    readsAllPages: scan?.['Node Type'] === 'Seq Scan',
  };
}
