import type { AccountGrant, ColumnPolicy } from '../../lib/contracts/grants.ts';
import type { Dataset, SourceDescription } from '../../lib/contracts/sources.ts';
import {
  type Condition,
  conditionsOf,
  describeCondition,
  readConditions,
} from '../form/conditions.ts';
import { randomKey } from '../ui/idempotency-key.ts';

/** All datasets of a source without a grant of their own. */
export const anyDataset = '*';

export const policyLabels: Record<ColumnPolicy, string> = {
  allow: 'Allow',
  drop: 'Drop',
  mask: 'Mask',
  hash: 'Hash',
};

/** A grant in the editor. */
export interface EditedGrant {
  /** Identifies the grant while it is edited. */
  key: string;
  source: string;
  dataset: string;
  /** Columns that are not allowed as they are, or are named anyway. */
  columns: ReadonlyMap<string, ColumnPolicy>;
  conditions: readonly Condition[];
}

export const newGrant = (source: string): EditedGrant => ({
  key: randomKey(),
  source,
  dataset: anyDataset,
  columns: new Map(),
  conditions: [],
});

export const editedOf = ({
  source,
  dataset,
  columns = {},
  where = [],
}: AccountGrant): EditedGrant => ({
  key: randomKey(),
  source,
  dataset,
  columns: new Map(Object.entries(columns)),
  conditions: conditionsOf(where),
});

/**
 * Returns the dataset of a grant for its fields. Of one that the administrator does not see, or of all datasets, only
 * the columns that the grant names are known.
 */
export function datasetFor(
  { source, dataset, columns, conditions }: EditedGrant,
  sources: readonly SourceDescription[],
): Dataset {
  const known = sources
    .find(({ name }) => name === source)
    ?.datasets.find(({ name }) => name === dataset);
  const names = new Set([...columns.keys(), ...conditions.map(({ column }) => column)]);
  const unknown = [...names].filter(
    (name) => name !== '' && !known?.columns.some((column) => column.name === name),
  );
  const added = unknown.map((name) => ({ name, type: 'text', nullable: true }));
  return known
    ? { ...known, columns: [...known.columns, ...added] }
    : {
        name: dataset,
        kind: 'table',
        timeColumn: null,
        earliest: null,
        latest: null,
        estimatedRows: 0,
        columns: added,
      };
}

/** Returns the grant to send, and what is missing in it. */
export function readGrant(
  edited: EditedGrant,
  sources: readonly SourceDescription[],
): { grant: AccountGrant; errors: string[] } {
  const { source, columns, conditions } = edited;
  const dataset = edited.dataset.trim();
  const { where, errors } = readConditions(conditions, datasetFor(edited, sources));
  return {
    grant: {
      source,
      dataset,
      ...(columns.size > 0 && { columns: Object.fromEntries(columns) }),
      ...(where.length > 0 && { where }),
    },
    errors: [
      ...(source === '' ? ['choose a source.'] : []),
      ...(dataset === '' ? ['enter a dataset.'] : []),
      ...errors,
    ],
  };
}

/** `orders of sales, without email, phone masked, only rows with status = paid` */
export function grantText(
  grant: EditedGrant,
  all: readonly EditedGrant[],
  sources: readonly SourceDescription[],
): string {
  const { source, dataset, columns, conditions } = grant;
  const named = (policy: ColumnPolicy): string =>
    [...columns].flatMap(([name, own]) => (own === policy ? [name] : [])).join(', ');
  const [dropped, masked, hashed] = [named('drop'), named('mask'), named('hash')];
  const known = datasetFor(grant, sources);
  const rows = conditions.map((condition) => describeCondition(condition, known)).join(' and ');
  const isOnly = all.every((other) => other.key === grant.key || other.source !== source);
  return [
    dataset === anyDataset
      ? `every ${isOnly ? '' : 'other '}dataset of ${source}`
      : `${dataset} of ${source}`,
    dropped === '' ? null : `without ${dropped}`,
    masked === '' ? null : `${masked} masked`,
    hashed === '' ? null : `${hashed} hashed`,
    rows === '' ? null : `only rows with ${rows}`,
  ]
    .filter((part) => part !== null)
    .join(', ');
}
