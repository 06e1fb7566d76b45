import pg from 'pg';
import type { SourceColumn, SourceDataset } from './datasets.ts';

/**
 * SQL text contains outside values because COPY accepts no parameters. Identifiers come only from the source's own
 * catalogue, and literals only from the driver's escaping. Functions, operators and types are qualified by their
 * schema, because PostgreSQL chooses the overload whose types fit best, even one that a user defined.
 * https://www.postgresql.org/docs/current/typeconv-func.html
 */
export const identifier = (name: string): string => pg.escapeIdentifier(name);
export const literal = (value: string): string => pg.escapeLiteral(value);

const relationOf = (dataset: Pick<SourceDataset, 'schema' | 'relation'>): string =>
  `${identifier(dataset.schema)}.${identifier(dataset.relation)}`;

/** Returns the name of a relation as a literal, for a function that takes a `regclass`. */
export const relationName = (dataset: SourceDataset): string =>
  `${literal(relationOf(dataset))}::pg_catalog.regclass`;

/**
 * Returns what an account may read of a relation with the alias `r`, for FROM: nothing else reads a row of a source. The
 * planner merges a permission into the statement, as it does with a view.
 *
 * @param sample a TABLESAMPLE clause, with a space before it
 * @param isFenced PostgreSQL evaluates the permission first, and conditions of the statement only on rows that meet it.
 * Then the duration depends on no row that a grant hides; indexes are of no use
 */
export function rowsOf(
  dataset: SourceDataset,
  { sample = '', isFenced = false }: { sample?: string; isFenced?: boolean } = {},
): string {
  const { permission, hasPages } = dataset;
  const relation = `${relationOf(dataset)} r${sample}`;
  if (!permission) return relation;
  const columns = [hasPages ? 'r.ctid' : '', permission.columns].filter((it) => it !== '');
  const where = permission.rows === null ? '' : ` where ${permission.rows}`;
  return `(select ${columns.join(', ')} from ${relation}${where}${isFenced ? ' offset 0' : ''}) r`;
}

/** Returns a column of `rowsOf`. Without the alias, ORDER BY would use an output column of the same name. */
export const columnOf = ({ name }: Pick<SourceColumn, 'name'>): string => `r.${identifier(name)}`;

/** Returns an operator, qualified by its schema: PostgreSQL's own or that of the column's type. */
export const operator = (name: string, schema = 'pg_catalog'): string =>
  `operator(${identifier(schema)}.${name})`;
