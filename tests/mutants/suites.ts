/**
 * Which suites are held against a change of a folder, beside the unit tests that import the file: those that fail
 * soonest come first, and none after the first that fails is run.
 */
export const folders: Record<string, readonly string[]> = {
  'lib/scheduling': ['dispatch', 'scheduling', 'retry', 'expiry', 'exports', 'limits'],
  'lib/engine': ['reading', 'assemble', 'several-sources', 'exports', 'limits', 'resumable'],
  'lib/delivery': ['download', 'expiry', 'exports'],
  'lib/access': ['download', 'refusals', 'limits', 'exports'],
  'infra/offline': ['events', 'exports'],
};

/** Returns the paths of the suites of a folder. */
export const suitesOf = (folder: string): string[] =>
  (folders[folder] ?? []).map((name) => `tests/integration/${name}.test.ts`);
