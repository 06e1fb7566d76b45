import { anyDataset, type ColumnPolicy, type Grant } from '../contracts/grants.ts';
import type { WhereCondition, WhereItem } from '../contracts/where.ts';
import type { Queryable } from '../runtime/catalogue.ts';
import { AppError } from '../runtime/errors.ts';
import { readComparisons } from './comparisons.ts';
import { type ColumnCondition, type Condition, conditionSql } from './conditions.ts';
import {
  type ListedDataset,
  listDatasets,
  readDataset,
  readDatasets,
  readRelatedNames,
  type SourceColumn,
  type SourceDataset,
  timeColumnOf,
} from './datasets.ts';
import { isText, validateCondition } from './operators.ts';
import { columnOf, identifier, literal } from './sql-text.ts';

/**
 * The only way to a dataset of a source. What reads rows, or says anything about a dataset, has it from here, with what
 * the grants of an account leave of it: everything else reads that by `rowsOf`.
 */

/** In place of a text. */
export const maskText = '***';

/** Returns the grant that applies to a dataset: its own, else that of all datasets of the source. */
export const grantFor = (
  grants: readonly Grant[],
  source: string,
  dataset: string,
): Grant | undefined => grantsBySource(grants, source)(dataset);

function grantsBySource(
  grants: readonly Grant[],
  source: string,
): (dataset: string) => Grant | undefined {
  const byDataset = new Map(
    grants.filter((it) => it.source === source).map((it) => [it.dataset, it]),
  );
  return (dataset) => byDataset.get(dataset) ?? byDataset.get(anyDataset);
}

/**
 * Returns a dataset as an account with these grants may read it. Undefined if the source has no dataset of this name, or
 * no grant applies to it. Throws `forbidden` if a condition of the grant cannot be applied to the dataset.
 */
export async function readPermittedDataset(
  client: Queryable,
  source: string,
  name: string,
  grants: readonly Grant[],
): Promise<SourceDataset | undefined> {
  const grant = grantFor(grants, source, name);
  if (!grant) return undefined;
  const dataset = await readDataset(client, source, name);
  if (!dataset) return undefined;
  const waysAround = await findWaysAround(client, source, [dataset], grants);
  return waysAround.has(dataset) ? undefined : permit(client, source, dataset, grant);
}

/** Returns the datasets that grants may apply to, partitions last. */
export async function listPermittedDatasets(
  client: Queryable,
  source: string,
  grants: readonly Grant[],
): Promise<ListedDataset[]> {
  const grantOf = grantsBySource(grants, source);
  return (await listDatasets(client)).filter(({ name }) => grantOf(name) !== undefined);
}

/**
 * Returns the listed datasets of these that an account may read, unordered, with all columns or only with time columns;
 * those that a grant alters always have all. A dataset to which its grant cannot be applied is passed to `onRefused`.
 */
export async function readPermittedDatasets(
  client: Queryable,
  source: string,
  listed: readonly ListedDataset[],
  options: {
    grants: readonly Grant[];
    columns: 'all columns' | 'times';
    onRefused: (dataset: SourceDataset, error: AppError) => void;
  },
): Promise<SourceDataset[]> {
  const { grants, columns, onRefused } = options;
  const grantOf = grantsBySource(grants, source);
  const isAltered = ({ name }: { name: string }): boolean => {
    const grant = grantOf(name);
    return grant !== undefined && !isWhole(grant);
  };
  const oidsOf = (datasets: readonly ListedDataset[]): number[] => datasets.map(({ oid }) => oid);
  const [altered, others] = [listed.filter(isAltered), listed.filter((it) => !isAltered(it))];
  const read = [
    ...(await readDatasets(client, source, oidsOf(others), columns)),
    ...(await readDatasets(client, source, oidsOf(altered), 'all columns')),
  ];
  const waysAround = await findWaysAround(client, source, read, grants);
  const permitted: SourceDataset[] = [];
  for (const dataset of read) {
    const grant = grantOf(dataset.name);
    if (!grant || waysAround.has(dataset)) continue;
    try {
      permitted.push(await permit(client, source, dataset, grant));
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      onRefused(dataset, error);
    }
  }
  return permitted;
}

/** Returns the first `max` names of datasets of a source to which grants may apply. */
export async function namesOfPermittedDatasets(
  client: Queryable,
  source: string,
  grants: readonly Grant[],
  max: number,
): Promise<string[]> {
  const listed = await listPermittedDatasets(client, source, grants);
  return listed.slice(0, max).map(({ name }) => name);
}

const isWhole = ({ columns, where }: Grant): boolean =>
  where.length === 0 && Object.values(columns).every((policy) => policy === 'allow');

/**
 * Returns the datasets that show rows of another one whose own grant hides some of it: a partition of it, or a view. The
 * grant of all datasets does not permit them.
 */
async function findWaysAround(
  client: Queryable,
  source: string,
  datasets: readonly SourceDataset[],
  grants: readonly Grant[],
): Promise<ReadonlySet<SourceDataset>> {
  const grantOf = grantsBySource(grants, source);
  const limited = new Set(
    grants
      .filter((it) => it.source === source && it.dataset !== anyDataset && !isWhole(it))
      .map(({ dataset }) => dataset),
  );
  const byAny = datasets.filter(({ name }) => grantOf(name)?.dataset === anyDataset);
  if (limited.size === 0 || byAny.length === 0) return new Set();
  const related = await readRelatedNames(
    client,
    byAny.map(({ oid }) => oid),
  );
  return new Set(byAny.filter(({ oid }) => related.get(oid)?.some((name) => limited.has(name))));
}

/** Returns what a grant leaves of a dataset. */
async function permit(
  client: Queryable,
  source: string,
  dataset: SourceDataset,
  grant: Grant,
): Promise<SourceDataset> {
  if (isWhole(grant)) return dataset;
  const policies = new Map(Object.entries(grant.columns));
  const policyOf = ({ name }: SourceColumn): ColumnPolicy => policies.get(name) ?? 'allow';
  const kept = dataset.columns.filter((column) => policyOf(column) !== 'drop');
  const rows = await filterOf(client, dataset, grant);
  if (rows === null && dataset.columns.every((column) => policyOf(column) === 'allow'))
    return dataset;
  return {
    ...dataset,
    columns: kept.map((column) => alteredColumn(column, policyOf(column))),
    timeColumn: timeColumnOf(
      source,
      dataset.name,
      kept.filter((column) => policyOf(column) === 'allow'),
    ),
    permission: {
      columns: kept.map((column) => valueSql(column, policyOf(column))).join(', '),
      rows,
    },
  };
}

/** Returns a column with the type of what takes the place of its values. */
function alteredColumn(column: SourceColumn, policy: ColumnPolicy): SourceColumn {
  if (policy !== 'mask' && policy !== 'hash') return column;
  const { name, base, nullable } = column;
  if (policy === 'hash' || isText(column))
    return { name, type: 'text', base: 'text', nullable, policy };
  // A domain may forbid NULL.
  return { ...column, type: base, nullable: true, policy };
}

/**
 * Returns the SQL of a permitted column. The value that is hashed is the text of the value, as COPY writes it: the worker
 * hashes it on its way into the file, because the secret of the hashes must not reach a source.
 */
function valueSql(column: SourceColumn, policy: ColumnPolicy): string {
  const value = columnOf(column);
  const as = ` as ${identifier(column.name)}`;
  // `is null` would be true of a composite value whose fields are all NULL.
  const isNotNull = `${value} is distinct from null`;
  if (policy === 'hash')
    return `case when ${isNotNull} then pg_catalog.format('%s', ${value}) end${as}`;
  if (policy !== 'mask') return value;
  return isText(column)
    ? `case when ${isNotNull} then ${literal(maskText)}::pg_catalog.text end${as}`
    : `null::${column.base}${as}`;
}

/** Returns the SQL of a grant's conditions, null if it has none. Throws `forbidden` if one does not fit the columns. */
async function filterOf(
  client: Queryable,
  dataset: SourceDataset,
  { where }: Grant,
): Promise<string | null> {
  if (where.length === 0) return null;
  const fits = where
    .flatMap((item) => ('any' in item ? item.any : [item]))
    .every((condition) => {
      const column = dataset.columns.find(({ name }) => name === condition.column);
      return column !== undefined && validateCondition(column, condition) === null;
    });
  if (!fits)
    throw new AppError(
      'forbidden',
      `Your right to read ${dataset.name} is limited by conditions that do not fit its columns. Ask your administrator to correct them.`,
    );
  const conditions = await resolveConditions(client, dataset, where);
  return conditions.map(conditionSql).join(' and ');
}

/**
 * Returns valid conditions with the columns and comparisons of the database. Throws `dataset_changed` if a column is
 * gone.
 */
export async function resolveConditions(
  client: Queryable,
  dataset: SourceDataset,
  where: readonly WhereItem[],
): Promise<Condition[]> {
  const names = where.flatMap((item) =>
    ('any' in item ? item.any : [item]).map(({ column }) => column),
  );
  const comparisons = await readComparisons(client, dataset, [...new Set(names)]);
  const resolve = ({ column: name, op, value }: WhereCondition): ColumnCondition => {
    const column = dataset.columns.find((candidate) => candidate.name === name);
    const comparison = comparisons.get(name);
    if (!column || !comparison)
      throw new AppError('dataset_changed', `${dataset.name} no longer has the column ${name}.`);
    return { column, comparison, op, value };
  };
  return where.map((item) => ('any' in item ? { any: item.any.map(resolve) } : resolve(item)));
}
