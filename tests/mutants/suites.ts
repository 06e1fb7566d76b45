/**
 * The suites that are run for a change in a folder, after the unit tests that import the changed file. The run stops
 * at the first suite that fails, so the suites that fail soonest come first.
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
  'lib/delivery': [
    'revocation',
    'slices',
    'secure-cookie',
    'download',
    'expiry',
    'retry',
    'exports',
  ],
  'lib/access': [
    'revocation',
    'sign-in',
    'sessions',
    'keys',
    'accounts',
    'oidc',
    'access-matrix',
    'callers',
    'signed-events',
    'download',
    'error-responses',
    'limits',
    'exports',
  ],
  'infra/offline': ['deliveries', 'events', 'exports', 'kafka-source', 'kafka-source-failures'],
} satisfies Record<string, readonly string[]>;

/** The suites about one file, run before those of its folder. */
export const ofFile: Record<string, readonly string[]> = {
  'lib/engine/finalize/assemble.ts': ['assemble'],
  'lib/engine/finalize/complete-upload.ts': ['assemble'],
  'lib/engine/read/preview.ts': ['preview'],
  'lib/engine/finalize/verify-object.ts': ['assemble'],
  'lib/engine/read/parallel-readers.ts': ['copy-stream', 'parallel-readers'],
  'lib/scheduling/pauses.ts': ['several-sources'],
  'lib/scheduling/unit-transitions.ts': ['assemble'],
};

export const folders = Object.keys(ofFolder);

const pathOf = (name: string): string => `tests/integration/${name}.test.ts`;

/** Returns the paths of the suites for a folder, or for a file in it. */
export function suitesOf(path: string): string[] {
  const [, names] = Object.entries(ofFolder).find(([folder]) => path.startsWith(folder)) ?? [];
  return [...new Set([...(ofFile[path] ?? []), ...(names ?? [])])].map(pathOf);
}
