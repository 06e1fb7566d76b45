import pg from 'pg';
import type { SourceColumn, SourceDataset } from './datasets.ts';

/**
 * SQL text is made from outside values because COPY takes no parameters. Identifiers come only from the
 * source's own catalogue; literals only through the driver's escaping. All else that a statement names says
 * its schema: of two functions or operators of one name PostgreSQL takes the one whose types fit best, be it
 * a user's own. https://www.postgresql.org/docs/current/typeconv-func.html
 */
export const identifier = (name: string): string => pg.escapeIdentifier(name);
export const literal = (value: string): string => pg.escapeLiteral(value);

export const relationOf = (dataset: Pick<SourceDataset, 'schema' | 'relation'>): string =>
  `${identifier(dataset.schema)}.${identifier(dataset.relation)}`;

/** A relation as it stands behind FROM. */
export const rowsOf = (dataset: SourceDataset): string => `${relationOf(dataset)} r`;

/** A column of `rowsOf`: without the alias ORDER BY takes an output of the same name. */
export const columnOf = ({ name }: Pick<SourceColumn, 'name'>): string => `r.${identifier(name)}`;

/** An operator of PostgreSQL's own, or of the schema where the type of the column has it. */
export const operator = (name: string, schema = 'pg_catalog'): string =>
  `operator(${identifier(schema)}.${name})`;
