/** Node strips the types itself, so nothing is transformed; modules are ES modules. */
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
      testMatch: ['<rootDir>/{lib,handlers,infra,web}/**/*.test.ts'],
    },
    {
      ...common,
      displayName: 'stack',
      testMatch: ['<rootDir>/tests/{integration,e2e,faults}/**/*.test.ts'],
      globalSetup: '<rootDir>/tests/stack/setup.ts',
      globalTeardown: '<rootDir>/tests/stack/teardown.ts',
    },
  ],
  // One stack serves all files, and some of them stop parts of it.
  maxWorkers: 1,
  // Each wait in a test has an end of its own; this is for machines that others keep busy.
  testTimeout: 600_000,
};
