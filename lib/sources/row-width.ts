import type { Queryable } from '../runtime/catalogue.ts';
import type { SourceColumn } from './datasets.ts';
import { columnStatistics, type Selection } from './query.ts';

/** How many characters the values of a type usually have as PostgreSQL writes them; others are as wide as they are. */
const usualCharacters: readonly [RegExp, number][] = [
  [/^smallint$/, 3],
  [/^integer$/, 6],
  [/^bigint$/, 8],
  [/^real$/, 8],
  [/^double precision$/, 14],
  [/^timestamp.* with time zone$/, 28],
  [/^timestamp/, 25],
  [/^date$/, 10],
  [/^time/, 15],
  [/^boolean$/, 1],
  [/^uuid$/, 36],
];
/** Of a column of which the database knows nothing: a view's, or one that was never analyzed. */
const unknownCharacters = 16;

export interface Width {
  /** Of the values of a row, NULLs as nothing. */
  characters: number;
  /** How many of them are not NULL. */
  values: number;
}

/** How wide a row will be as text, by the statistics of the database. Reads nothing of the dataset. */
export async function widthOfRow(client: Queryable, selection: Selection): Promise<Width> {
  const { rows } = await client.query<{ name: string; width: number; nulls: number }>(
    columnStatistics(selection.dataset),
  );
  const known = new Map(rows.map((row) => [row.name, row]));
  let characters = 0;
  let values = 0;
  for (const column of selection.columns) {
    const statistics = known.get(column.name);
    const filled = 1 - (statistics?.nulls ?? 0);
    characters += filled * charactersOf(column, statistics?.width);
    values += filled;
  }
  return { characters, values };
}

function charactersOf({ base }: SourceColumn, width = unknownCharacters): number {
  const usual = usualCharacters.find(([pattern]) => pattern.test(base));
  if (usual) return usual[1];
  // A byte is two hexadecimal digits; of the base 10,000 digits of a numeric each is four.
  if (base === 'bytea') return 2 * width;
  return base.startsWith('numeric') ? 1.2 * width : width;
}
