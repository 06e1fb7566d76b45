/**
 * Which suites are held against a change of a folder, beside the unit tests that import the file: those that fail
 * soonest come first, and none after the first that fails is run.
 */
const ofFolder = {
  'lib/scheduling': [
    'dispatch',
    'queue',
    'sweep',
    'scheduling',
    'retry',
    'expiry',
    'exports',
    'limits',
  ],
  'lib/engine': ['reading', 'several-sources', 'exports', 'limits', 'resumable'],
  'lib/delivery': ['revocation', 'slices', 'secure-cookie', 'download', 'expiry', 'exports'],
  'lib/access': [
    'revocation',
    'sign-in',
    'signed-events',
    'download',
    'refusals',
    'limits',
    'exports',
  ],
  'infra/offline': ['deliveries', 'events', 'exports'],
} satisfies Record<string, readonly string[]>;

/** Those that are about just this file are run before those of its folder. */
const ofFile: Record<string, readonly string[]> = {
  'lib/engine/assemble.ts': ['assemble'],
  'lib/engine/complete.ts': ['assemble'],
  'lib/engine/preview.ts': ['preview'],
  'lib/engine/read-back.ts': ['assemble'],
  'lib/engine/readers.ts': ['copy-out', 'side-by-side'],
  'lib/scheduling/pauses.ts': ['several-sources'],
};

export const folders = Object.keys(ofFolder);

const pathOf = (name: string): string => `tests/integration/${name}.test.ts`;

/** Returns the paths of the suites of a folder, or of a file in it. */
export function suitesOf(path: string): string[] {
  const [, names] = Object.entries(ofFolder).find(([folder]) => path.startsWith(folder)) ?? [];
  return [...new Set([...(ofFile[path] ?? []), ...(names ?? [])])].map(pathOf);
}
