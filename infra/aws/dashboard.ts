import type { Resource } from './roles.ts';
import type { FunctionOfService, Service } from './service.ts';

/** A metric as a widget has it: namespace, name, pairs of dimensions, options. */
type Row = readonly (string | object)[];

interface Chart {
  title: string;
  stat: 'Sum' | 'Maximum' | 'p95';
  rows: readonly Row[];
}

const inLambda = (metricName: string, functions: readonly FunctionOfService[]): Row[] =>
  functions.map(({ lambdaName, name }) => [
    'AWS/Lambda',
    metricName,
    'FunctionName',
    lambdaName,
    { label: name },
  ]);

const own = (metricName: string, stage: string): Row => [
  'StreamSync',
  metricName,
  'service',
  `streamsync-${stage}`,
];

const inHttpApi = (metricName: string): Row => [
  'AWS/ApiGateway',
  metricName,
  'ApiId',
  `\${HttpApi}`,
];

/** Returns the dashboard of a deployment: two charts in a row. */
export function dashboardOf({ stage, deployment, functions }: Service): Resource {
  const withEvents = functions.filter(({ eventSources }) => eventSources.length > 0);
  const others = functions.filter(({ kind }) => kind !== 'http');
  const worker = functions.filter(({ name }) => name === 'export-worker');
  const charts: readonly Chart[] = [
    {
      title: 'Exports',
      stat: 'Sum',
      rows: ['exportsAccepted', 'exportsCompleted', 'exportsFailed', 'exportsDownloaded'].map(
        (name) => own(name, stage),
      ),
    },
    { title: 'Exports: time to ready', stat: 'p95', rows: [own('exportTime', stage)] },
    {
      title: 'HTTP API: requests and errors',
      stat: 'Sum',
      rows: [inHttpApi('Count'), inHttpApi('4xx'), inHttpApi('5xx')],
    },
    { title: 'HTTP API: latency', stat: 'p95', rows: [inHttpApi('Latency')] },
    // Of door.yml, as its filter of the log names it.
    {
      title: 'Door: answers with 5xx',
      stat: 'Sum',
      rows: [['StreamSync', `doorErrors-${stage}`]],
    },
    { title: 'Errors', stat: 'Sum', rows: inLambda('Errors', others) },
    { title: 'Throttles', stat: 'Sum', rows: inLambda('Throttles', others) },
    { title: 'Records not yet read', stat: 'Maximum', rows: inLambda('OffsetLag', withEvents) },
    { title: 'Invocations', stat: 'Sum', rows: inLambda('Invocations', others) },
    { title: 'Export worker: duration', stat: 'Maximum', rows: inLambda('Duration', worker) },
    {
      title: 'Export worker: concurrent units',
      stat: 'Maximum',
      rows: inLambda('ConcurrentExecutions', worker),
    },
  ];
  const widgets = charts.map(({ title, stat, rows }, index) => ({
    type: 'metric',
    x: (index % 2) * 12,
    y: Math.floor(index / 2) * 6,
    width: 12,
    height: 6,
    properties: { title, stat, period: 300, region: deployment.region, metrics: rows },
  }));
  return {
    Type: 'AWS::CloudWatch::Dashboard',
    Properties: {
      DashboardName: `streamsync-${stage}`,
      DashboardBody: { 'Fn::Sub': JSON.stringify({ widgets }) },
    },
  };
}
