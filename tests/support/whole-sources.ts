import { anyDataset, type Grant } from '../../lib/contracts/grants.ts';

/** Returns grants of all rows and columns of these sources. */
export const wholeSources = (...sources: readonly string[]): Grant[] =>
  sources.map((source) => ({ source, dataset: anyDataset, columns: {}, where: [] }));
