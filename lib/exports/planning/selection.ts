import type { ExportRequest } from '../contracts/export-request.ts';
import { capabilitiesOf, formats } from '../contracts/format-capabilities.ts';
import type { FieldError } from '../contracts/problem.ts';
import type { WhereCondition } from '../contracts/where.ts';
import type { Queryable } from '../runtime/catalogue.ts';
import { Refusal, refusedFields } from '../runtime/errors.ts';
import { readComparisons } from '../sources/comparisons.ts';
import type { ColumnCondition, Condition } from '../sources/conditions.ts';
import { namesOfDatasets, readDataset, type SourceDataset } from '../sources/datasets.ts';
import { faultOfCondition } from '../sources/operators.ts';
import type { Selection } from '../sources/query.ts';

/** Names are suggested up to here; a source with thousands of tables answers with a list no one reads. */
const suggestions = 100;

/**
 * Holds a request against what the source has at this moment. Throws `refused_request` naming the
 * fields: a dataset or column that is not there, a time bound where there is no time column.
 */
export async function selectionFor(
  client: Queryable,
  source: string,
  request: ExportRequest,
): Promise<Selection> {
  const dataset = await readDataset(client, source, request.dataset);
  if (!dataset)
    throw refusedFields([
      {
        field: 'dataset',
        message: `names no dataset of ${source}: ${request.dataset}`,
        allowed: await namesOfDatasets(client, suggestions),
      },
    ]);
  const errors = [
    ...needsColumns(dataset, request),
    ...unknownColumns(dataset, request),
    ...needsTime(dataset, request),
    ...wrongConditions(dataset, request),
  ];
  if (errors.length > 0) throw refusedFields(errors);
  const wanted = request.columns;
  const columns = wanted
    ? wanted.flatMap((name) => dataset.columns.filter((column) => column.name === name))
    : dataset.columns;
  return {
    dataset,
    columns,
    from: request.from,
    to: request.to,
    where: await conditionsFor(client, dataset, request),
    ordered: request.order === 'time',
  };
}

const sourceColumn = '_source';

/** With several sources each row says of which it is. */
export function withSourceColumn(
  selection: Selection,
  source: string,
  { sources }: ExportRequest,
): Selection {
  if (sources.length === 1) return selection;
  const column = {
    name: sourceColumn,
    type: 'text',
    base: 'text',
    nullable: false,
    constant: source,
  };
  return { ...selection, columns: [column, ...selection.columns] };
}

/** Refuses sources whose datasets are not the same, naming the first difference, or leave no room for `_source`. */
export function requireAgreement(
  selections: readonly { source: string; selection: Selection }[],
): void {
  const [first, ...others] = selections;
  if (!first || others.length === 0) return;
  const spell = ({ columns }: Selection): string[] =>
    columns.map(({ name, type, base }) => `${name} ${type}${base === type ? '' : ` over ${base}`}`);
  const wanted = spell(first.selection);
  const refuse = (message: string): Refusal => refusedFields([{ field: 'sources', message }]);
  if (first.selection.columns.some(({ name }) => name === sourceColumn))
    throw refuse(`cannot be several: ${first.selection.dataset.name} has a column ${sourceColumn}`);
  for (const { source, selection } of others) {
    const found = spell(selection);
    const at = Math.max(wanted.length, found.length);
    for (let n = 0; n < at; n++)
      if (wanted[n] !== found[n])
        throw refuse(
          `do not agree: column ${n + 1} is ${wanted[n] ?? 'missing'} in ${first.source}, ${found[n] ?? 'missing'} in ${source}`,
        );
  }
}

/** With several sources there is the column that says of which a row is. */
function needsColumns(
  { name, columns }: SourceDataset,
  { format, sources }: ExportRequest,
): FieldError[] {
  if (columns.length > 0 || sources.length > 1 || capabilitiesOf(format).emptyRows) return [];
  const message = `cannot be ${format}: ${name} has no columns`;
  return [
    { field: 'format', message, allowed: formats.filter((it) => capabilitiesOf(it).emptyRows) },
  ];
}

function unknownColumns(dataset: SourceDataset, { columns = [] }: ExportRequest): FieldError[] {
  const known = dataset.columns.map(({ name }) => name);
  const unknown = columns.filter((name) => !known.includes(name));
  if (unknown.length === 0) return [];
  const message = `names no column of ${dataset.name}: ${unknown.join(', ')}`;
  return [{ field: 'columns', message, allowed: known }];
}

/** All conditions of a request, each with the name of its field. */
const namedConditions = ({ where = [] }: ExportRequest): [string, WhereCondition][] =>
  where.flatMap((item, n): [string, WhereCondition][] =>
    'any' in item
      ? item.any.map((condition, m) => [`where.${n}.any.${m}`, condition])
      : [[`where.${n}`, item]],
  );

function wrongConditions(dataset: SourceDataset, request: ExportRequest): FieldError[] {
  return namedConditions(request).flatMap(([field, condition]): FieldError[] => {
    const column = dataset.columns.find(({ name }) => name === condition.column);
    if (!column)
      return [
        {
          field: `${field}.column`,
          message: `names no column of ${dataset.name}: ${condition.column}`,
          allowed: dataset.columns.map(({ name }) => name),
        },
      ];
    const fault = faultOfCondition(column, condition);
    if (!fault) return [];
    const { part, ...said } = fault;
    return [{ field: `${field}.${part}`, ...said }];
  });
}

/** The conditions of a request that is right, with what the database knows of their columns. */
async function conditionsFor(
  client: Queryable,
  dataset: SourceDataset,
  request: ExportRequest,
): Promise<Condition[]> {
  const names = namedConditions(request).map(([, { column }]) => column);
  const comparisons = await readComparisons(client, dataset, [...new Set(names)]);
  const known = ({ column: name, op, value }: WhereCondition): ColumnCondition => {
    const column = dataset.columns.find((it) => it.name === name);
    const comparison = comparisons.get(name);
    if (!column || !comparison)
      throw new Refusal('dataset_changed', `${dataset.name} has no column ${name} any more.`);
    return { column, comparison, op, value };
  };
  return (request.where ?? []).map((item) =>
    'any' in item ? { any: item.any.map(known) } : known(item),
  );
}

function needsTime(dataset: SourceDataset, { from, to, order }: ExportRequest): FieldError[] {
  if (dataset.timeColumn) return [];
  const message = `cannot be used: ${dataset.name} has no time column`;
  return [
    ...(from === undefined ? [] : [{ field: 'from', message }]),
    ...(to === undefined ? [] : [{ field: 'to', message }]),
    ...(order === 'time' ? [{ field: 'order', message }] : []),
  ];
}
