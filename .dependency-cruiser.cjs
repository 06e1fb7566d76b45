/** The import directions of docs/architecture.md. */
const leaves = '^lib/(sources|formats|kernels|encryption|storage|messaging|runtime|audit)/';
const domain =
  '^lib/(exports|scheduling|engine|proof|delivery|access|admin|health|verify|ingest|readings|live)/';

module.exports = {
  forbidden: [
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'leaves-know-no-domain',
      comment:
        'sources, formats, kernels, encryption, storage, messaging and runtime serve the domain and do not import it',
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
      from: { path: '^handlers/', pathNot: '^handlers/operations/prepare\\.ts$' },
      to: { path: '^(infra|web|tests)/' },
    },
    {
      name: 'kafka-source-stands-alone',
      comment: 'infra/offline is a package of its own',
      severity: 'error',
      from: { path: '^infra/offline/' },
      to: { path: '^(lib|handlers|infra|web|tests)/', pathNot: '^infra/offline/' },
    },
    {
      name: 'one-kafka-client',
      comment: 'the domain uses Kafka through lib/messaging/kafka.ts',
      severity: 'error',
      from: {
        path: '^(lib|handlers)/',
        pathNot: '^lib/messaging/(kafka|client-security|kafkajs-patch)\\.ts$',
      },
      to: { path: 'node_modules/kafkajs' },
    },
    {
      name: 'one-s3-client',
      severity: 'error',
      from: {
        path: '^(lib|handlers)/',
        pathNot: '^lib/(storage/|live/gateway\\.ts$|runtime/secret\\.ts$)',
      },
      to: { path: 'node_modules/@aws-sdk' },
    },
    {
      name: 'datasets-as-permitted',
      comment:
        'datasets come from permitted-datasets.ts, with what the grants of an account leave of them',
      severity: 'error',
      from: {
        path: '^(lib|handlers|infra)/',
        pathNot: '(\\.test\\.ts$|^lib/sources/permitted-datasets\\.ts$)',
      },
      to: { path: '^lib/sources/datasets\\.ts$', dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'few-ask-sources',
      comment:
        'a module that asks a source has to apply the grants of the account: add it here once it does',
      severity: 'error',
      from: {
        path: '^(lib|handlers|infra)/',
        pathNot: [
          '\\.test\\.ts$',
          '^lib/sources/',
          '^lib/engine/read/(read-unit|connections|preview)\\.ts$',
          '^lib/exports/planning/(histogram|inspect-sources|plan)\\.ts$',
          // By readings-source.ts, and of the series that it permits.
          '^lib/readings/(query-readings|list-series)\\.ts$',
          '^lib/live/(subscribe|replay|stored-readings)\\.ts$',
          // They end backends, and look at settings and lag: no dataset is read.
          '^lib/admin/sources\\.ts$',
          '^lib/scheduling/(sweep|claim)\\.ts$',
          '^infra/(cli/doctor/stack|local/own-sources)\\.ts$',
        ],
      },
      to: {
        path: '^lib/sources/(question|question-connections|connection|session)\\.ts$',
        dependencyTypesNot: ['type-only'],
      },
    },
    {
      name: 'testing-is-for-tests',
      severity: 'error',
      from: {
        path: '^(lib|handlers|infra|web)/',
        pathNot: '(\\.test\\.ts$|^lib/(formats|encryption)/testing/)',
      },
      to: { path: '^lib/(formats|encryption)/testing/' },
    },
    {
      name: 'shipped-with-its-packages',
      comment:
        'functions, the sidecars of NGINX, and the command that verifies a file import no development dependencies',
      severity: 'error',
      from: {
        path: '^(lib/|handlers/|infra/cli/verify|infra/nginx/|infra/local/(template|home/atomic-file)\\.ts$)',
        pathNot: '(\\.test\\.ts$|^lib/encryption/testing/)',
      },
      to: { dependencyTypes: ['npm-dev'], dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'resolvable',
      severity: 'error',
      from: {},
      // aws-lambda has types only: the package does not exist at run time.
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
