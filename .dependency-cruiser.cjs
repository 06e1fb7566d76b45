/** Import directions, as docs/architecture.md draws them. */
const leaves = '^lib/(sources|formats|storage|messaging|runtime)/';
const domain = '^lib/(exports|scheduling|engine|proof|delivery|access|health)/';

module.exports = {
  forbidden: [
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'leaves-know-no-domain',
      comment:
        'sources, formats, storage, messaging and runtime serve the domain and do not know it',
      severity: 'error',
      from: { path: leaves },
      to: { path: domain },
    },
    {
      name: 'contracts-stand-alone',
      severity: 'error',
      from: { path: '^lib/contracts/' },
      to: { path: '^(lib|handlers|infra|web)/', pathNot: '^lib/contracts/' },
    },
    {
      name: 'web-knows-contracts-only',
      severity: 'error',
      from: { path: '^web/' },
      to: { path: '^(lib|handlers|infra|tests)/', pathNot: '^lib/contracts/' },
    },
    {
      name: 'lib-knows-no-handlers',
      severity: 'error',
      from: { path: '^lib/' },
      to: { path: '^(handlers|infra|web|tests)/' },
    },
    {
      name: 'handlers-know-lib-only',
      severity: 'error',
      from: { path: '^handlers/' },
      to: { path: '^(infra|web|tests)/' },
    },
    {
      name: 'one-kafka-client',
      comment: 'the domain talks to Kafka through lib/messaging/kafka.ts',
      severity: 'error',
      from: { path: '^(lib|handlers)/', pathNot: '^lib/messaging/(kafka|request-queue)\\.ts$' },
      to: { path: 'node_modules/kafkajs' },
    },
    {
      name: 'one-s3-client',
      severity: 'error',
      from: { path: '^(lib|handlers)/', pathNot: '^lib/storage/' },
      to: { path: 'node_modules/@aws-sdk' },
    },
    {
      name: 'shipped-with-its-packages',
      comment:
        'functions, and what users run to prove a file, need nothing that is for development',
      severity: 'error',
      from: { path: '^(lib|handlers|infra/local/verify)/', pathNot: '\\.test\\.ts$' },
      to: { dependencyTypes: ['npm-dev'], dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'resolvable',
      severity: 'error',
      from: {},
      // Types alone: there is no such package at run time.
      to: { couldNotResolve: true, pathNot: '^aws-lambda$' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '(^|/)(dist|\\.parts|\\.local)/' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      extensions: ['.ts', '.tsx', '.mjs', '.js', '.json'],
      exportsFields: ['exports'],
      conditionNames: ['import', 'require', 'node', 'default', 'types'],
    },
  },
};
