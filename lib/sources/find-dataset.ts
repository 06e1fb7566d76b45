import type { Queryable } from '../runtime/catalogue.ts';
import { codeOf } from '../runtime/errors.ts';
import { readDatasets, type SourceDataset } from './datasets.ts';

/** The dataset of a name; else the names that there are, none of them if the transaction cannot go on. */
export async function findDataset(
  client: Queryable,
  source: string,
  name: string,
): Promise<{ dataset: SourceDataset } | { dataset: undefined; names: string[] }> {
  try {
    const [dataset] = await readDatasets(client, source, name);
    if (dataset) return { dataset };
  } catch (error) {
    // The encoding of the database (LATIN1, say) has no such characters: nothing in it has such a name.
    if (codeOf(error) !== '22P05') throw error;
    return { dataset: undefined, names: [] };
  }
  const all = await readDatasets(client, source);
  return { dataset: undefined, names: all.map((it) => it.name) };
}
