import type { ExportRequest } from '../../contracts/export-request.ts';
import { capabilitiesOf, formats } from '../../contracts/format-capabilities.ts';
import type { Grant } from '../../contracts/grants.ts';
import type { FieldError } from '../../contracts/problem.ts';
import type { WhereCondition } from '../../contracts/where.ts';
import type { Queryable } from '../../runtime/catalogue.ts';
import { type AppError, invalidFields } from '../../runtime/errors.ts';
import type { SourceDataset } from '../../sources/datasets.ts';
import { validateCondition } from '../../sources/operators.ts';
import {
  namesOfPermittedDatasets,
  readPermittedDataset,
  resolveConditions,
} from '../../sources/permitted-datasets.ts';
import type { Selection } from '../../sources/query.ts';

/** Dataset names that an error suggests at most. */
const maxSuggestions = 100;

/**
 * Validates a request against the current schema of a source, as these grants of its owner show it, and returns the
 * selection. Throws `invalid_request` with the fields, such as an unknown dataset or column, or a time bound on a dataset
 * without a time column.
 */
export async function selectionFor(
  client: Queryable,
  source: string,
  request: ExportRequest,
  grants: readonly Grant[],
): Promise<Selection> {
  const dataset = await readPermittedDataset(client, source, request.dataset, grants);
  if (!dataset)
    throw invalidFields([
      {
        field: 'dataset',
        message: `names no dataset of ${source}: ${request.dataset}`,
        allowed: await namesOfPermittedDatasets(client, source, grants, maxSuggestions),
      },
    ]);
  const errors = [
    ...needsColumns(dataset, request),
    ...unknownColumns(dataset, request),
    ...needsTime(dataset, request),
    ...wrongConditions(dataset, request),
  ];
  if (errors.length > 0) throw invalidFields(errors);
  const names = request.columns;
  const columns = names
    ? names.flatMap((name) => dataset.columns.filter((column) => column.name === name))
    : dataset.columns;
  return {
    dataset,
    columns,
    from: request.from,
    to: request.to,
    where: await resolveConditions(client, dataset, request.where ?? []),
    ordered: request.order === 'time',
  };
}

const sourceColumn = '_source';

/** Adds the column `_source` with the name of the source if the request has several sources. */
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

/** Throws `invalid_request` with the first difference if the sources differ in their columns, or one has `_source`. */
export function assertSameColumns(
  selections: readonly { source: string; selection: Selection }[],
): void {
  const [first, ...others] = selections;
  if (!first || others.length === 0) return;
  const describeColumns = ({ columns }: Selection): string[] =>
    columns.map(
      ({ name, type, base, policy }) =>
        `${name} ${type}${base === type ? '' : ` over ${base}`}${policy === undefined ? '' : ` (${policy})`}`,
    );
  const expected = describeColumns(first.selection);
  const mismatch = (message: string): AppError => invalidFields([{ field: 'sources', message }]);
  if (first.selection.columns.some(({ name }) => name === sourceColumn))
    throw mismatch(
      `cannot be several: ${first.selection.dataset.name} has a column ${sourceColumn}`,
    );
  for (const { source, selection } of others) {
    const actual = describeColumns(selection);
    const count = Math.max(expected.length, actual.length);
    for (let n = 0; n < count; n++)
      if (expected[n] !== actual[n])
        throw mismatch(
          `do not agree: column ${n + 1} is ${expected[n] ?? 'missing'} in ${first.source}, ${actual[n] ?? 'missing'} in ${source}`,
        );
  }
}

/** Returns an error for a dataset without columns in a format that needs one. `_source` of several sources is one. */
function needsColumns(
  { name, columns }: SourceDataset,
  { format, sources }: ExportRequest,
): FieldError[] {
  if (columns.length > 0 || sources.length > 1 || capabilitiesOf(format).emptyRows) return [];
  const message = `cannot be ${format}: ${name} has no columns`;
  const allowed = formats.filter((other) => capabilitiesOf(other).emptyRows);
  return [{ field: 'format', message, allowed }];
}

function unknownColumns(dataset: SourceDataset, { columns = [] }: ExportRequest): FieldError[] {
  const known = dataset.columns.map(({ name }) => name);
  const unknown = columns.filter((name) => !known.includes(name));
  if (unknown.length === 0) return [];
  const message = `names no column of ${dataset.name}: ${unknown.join(', ')}`;
  return [{ field: 'columns', message, allowed: known }];
}

/** Returns all conditions of a request, each with the path of its field. */
function namedConditions({ where = [] }: ExportRequest): [string, WhereCondition][] {
  return where.flatMap((item, n): [string, WhereCondition][] =>
    'any' in item
      ? item.any.map((condition, m) => [`where.${n}.any.${m}`, condition])
      : [[`where.${n}`, item]],
  );
}

function wrongConditions(dataset: SourceDataset, request: ExportRequest): FieldError[] {
  const comparable = dataset.columns.filter(({ policy }) => policy === undefined);
  return namedConditions(request).flatMap(([field, condition]): FieldError[] => {
    const column = comparable.find(({ name }) => name === condition.column);
    if (!column)
      return [
        {
          field: `${field}.column`,
          message: `names no column of ${dataset.name}: ${condition.column}`,
          allowed: comparable.map(({ name }) => name),
        },
      ];
    const problem = validateCondition(column, condition);
    if (!problem) return [];
    const { part, ...details } = problem;
    return [{ field: `${field}.${part}`, ...details }];
  });
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
