/** Node strips the types itself, so Jest transforms no files; modules are ES modules. */
const common = {
  testEnvironment: 'node',
  transform: {},
  extensionsToTreatAsEsm: ['.ts'],
  modulePathIgnorePatterns: ['<rootDir>/dist', '<rootDir>/\\.parts', '<rootDir>/\\.local'],
};

export default {
  projects: [
    {
      ...common,
      displayName: 'unit',
      testMatch: ['<rootDir>/{lib,handlers,infra,web,tests/checks,tests/mutants}/**/*.test.ts'],
    },
    {
      ...common,
      displayName: 'stack',
      testMatch: ['<rootDir>/tests/{integration,e2e,faults}/**/*.test.ts'],
      globalSetup: '<rootDir>/tests/support/setup.ts',
      globalTeardown: '<rootDir>/tests/support/teardown.ts',
      setupFilesAfterEnv: ['<rootDir>/tests/support/after-suite.ts'],
    },
  ],
  // The files of a worker share one stack, and some of them stop its services. tests/run.ts allows two workers.
  maxWorkers: 1,
  // Each wait in a test has its own timeout; this limit is for busy machines.
  testTimeout: 600_000,
};
