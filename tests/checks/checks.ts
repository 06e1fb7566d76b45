import { pythonChecks } from './python.ts';
import type { Check } from './run-checks.ts';

/** `npm run check`, in this order. The slow ones come first, since they decide how long all of it takes. */
export const checks: readonly Check[] = [
  { name: 'lint', command: 'oxlint', args: ['--type-aware', '--deny-warnings'] },
  {
    name: 'import directions',
    command: 'depcruise',
    args: ['lib', 'handlers', 'infra', 'web', 'tests'],
    // With TypeScript 7 it looks at no module and exits with 0.
    doubt: (output) =>
      /\(\d{2,} modules/.test(output) ? undefined : 'it did not look at the modules',
  },
  {
    name: 'unused code',
    command: 'knip',
    args: ['--no-progress', '--treat-config-hints-as-errors'],
  },
  { name: 'types', command: 'tsc', args: ['--noEmit'] },
  { name: 'types of the page', command: 'tsc', args: ['--noEmit', '-p', 'web'] },
  { name: 'format', command: 'biome', args: ['check', '.'] },
  {
    name: 'words',
    command: process.execPath,
    args: ['tests/checks/words.ts'],
  },
  {
    name: 'compose file',
    command: 'dclint',
    args: [
      'docker-compose.yml',
      '--max-warnings=0',
      // The file has the order in which services start, and of each what it is, what it runs, and what it needs.
      ...[
        'service-dependencies-alphabetical-order',
        'service-keys-order',
        'services-alphabetical-order',
        'top-level-properties-order',
      ].map((rule) => `--disable-rule=${rule}`),
    ],
  },
  { name: 'kernels', command: process.execPath, args: ['infra/kernels/build.ts', '--check'] },
  ...pythonChecks,
];
