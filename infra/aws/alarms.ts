/**
 * The alarms of a deployment, made from the list of its functions. An alarm on a sum may have 10 metrics, so there is one
 * for each kind of function; that of the HTTP functions is the API's own count of answers with 5xx, which has their
 * errors, timeouts and throttles.
 */
import { thresholds } from '../../lib/health/thresholds.ts';
import { httpMetric, type Metric, metricOf, ownMetric } from './metrics.ts';
import type { Resource, Resources } from './roles.ts';
import type { FunctionKind, FunctionOfService, Service } from './service.ts';

/** CloudWatch adds up at most this many metrics in an alarm. */
const maxMetrics = 10;

const worker = 'export-worker';

/** More than this part of the timeout is close to it. */
const closeToTimeout = 0.95;

type Alarms = Readonly<Record<string, { description: string; properties: object }>>;

/** Returns the alarms by their ids. They are sent to the topic of the deploy file, if it has one. */
export function alarmsOf({ stage, deployment, functions }: Service): Resources {
  const actions = deployment.alarmTopic === undefined ? [] : [deployment.alarmTopic];
  const alarms: Alarms = {
    HttpErrorsAlarm: repeated('The HTTP API answers with 5xx', single(httpMetric('5xx'))),
    ...ofKind('kafka', functions),
    ...ofKind('websocket', functions),
    ...ofKind('schedule', functions),
    ...ownAlarms(stage),
    ...Object.fromEntries(functions.flatMap((it) => Object.entries(ofFunction(it)))),
  };
  return Object.fromEntries(
    Object.entries(alarms).map(([id, { description, properties }]): [string, Resource] => [
      id,
      {
        Type: 'AWS::CloudWatch::Alarm',
        Properties: {
          AlarmDescription: description,
          ComparisonOperator: 'GreaterThanOrEqualToThreshold',
          TreatMissingData: 'notBreaching',
          ...properties,
          AlarmActions: actions,
          OKActions: actions,
        },
      },
    ]),
  );
}

/** A batch that fails is delivered again, so a few errors may pass. */
const repeated = (what: string, metrics: object): Alarms[string] => ({
  description: `${what}: 5 in 5 minutes, twice within 15 minutes`,
  properties: { ...metrics, Threshold: 5, EvaluationPeriods: 3, DatapointsToAlarm: 2 },
});

const single = (metric: Metric): object => ({ ...metric, Statistic: 'Sum', Period: 300 });

function ofKind(kind: FunctionKind, all: readonly FunctionOfService[]): Alarms {
  const functions = all.filter((it) => it.kind === kind);
  if (functions.length > maxMetrics)
    throw new Error(`An alarm has at most ${maxMetrics} metrics; ${functions.length} are ${kind}`);
  const sumOf = (metricName: string): object => ({
    Metrics: [
      { Id: 'sum', Expression: 'SUM(METRICS())' },
      ...functions.map((it, index) => ({
        Id: `m${index}`,
        MetricStat: { Metric: metricOf(metricName, it), Stat: 'Sum', Period: 300 },
        ReturnData: false,
      })),
    ],
  });
  const id = kind.charAt(0).toUpperCase() + kind.slice(1);
  return {
    [`${id}ErrorsAlarm`]: repeated(`Errors of the ${kind} functions`, sumOf('Errors')),
    [`${id}ThrottlesAlarm`]: repeated(`Throttles of the ${kind} functions`, sumOf('Throttles')),
  };
}

/** Of the metrics that the functions print. The thresholds of the catalogue are those of `/health`. */
function ownAlarms(stage: string): Alarms {
  const largest = (name: string): object => ({
    ...ownMetric(name, stage),
    Statistic: 'Maximum',
    Period: 300,
    EvaluationPeriods: 1,
  });
  return {
    FailedExportsAlarm: repeated('Exports failed', single(ownMetric('exportsFailed', stage))),
    DeadLettersOfExportsAlarm: {
      description: `Requests, units or deliveries became dead letters: ${thresholds.deadLetters} in 10 minutes`,
      properties: { ...largest('deadLettersOfExports'), Threshold: thresholds.deadLetters },
    },
    DeadLettersOfReadingsAlarm: {
      description: `Readings became dead letters: ${thresholds.deadLetters} in 10 minutes`,
      properties: { ...largest('deadLettersOfReadings'), Threshold: thresholds.deadLetters },
    },
    UnsentMessagesAlarm: {
      description: `A message has waited ${thresholds.unsentSeconds} s for Kafka`,
      properties: { ...largest('unsentMessages'), Threshold: thresholds.unsentSeconds },
    },
    MessagesSetAsideAlarm: {
      description: 'A message was set aside because Kafka rejects it',
      properties: { ...largest('messagesSetAside'), Threshold: 1 },
    },
    WaitingExportsAlarm: {
      description: `An export that could run has waited for ${thresholds.waitingSeconds} s`,
      properties: { ...largest('waitingExports'), Threshold: thresholds.waitingSeconds },
    },
  };
}

function ofFunction(it: FunctionOfService): Alarms {
  const id = it.role.replace(/Role$/, '');
  return {
    // The export worker has at most one record in each partition until it has processed it: /health knows if one is late.
    ...(it.eventSources.length > 0 &&
      it.name !== worker && {
        [`${id}LagAlarm`]: {
          description: `${it.name} is 10 batches late for 15 minutes`,
          properties: {
            ...metricOf('OffsetLag', it),
            Statistic: 'Maximum',
            Period: 300,
            EvaluationPeriods: 3,
            Threshold: 10 * Math.max(...it.eventSources.map(({ batchSize }) => batchSize)),
          },
        },
      }),
    ...(it.kind === 'schedule' && {
      [`${id}MissedAlarm`]: {
        description: `${it.name} was not invoked for 10 minutes`,
        properties: {
          ...metricOf('Invocations', it),
          Statistic: 'Sum',
          Period: 600,
          EvaluationPeriods: 1,
          ComparisonOperator: 'LessThanThreshold',
          Threshold: 1,
          TreatMissingData: 'breaching',
        },
      },
    }),
    // A unit that does not end in time is lost, and read again from its start.
    ...(it.name === worker && {
      [`${id}DurationAlarm`]: {
        description: `${it.name} was invoked for more than ${closeToTimeout * 100} % of its timeout`,
        properties: {
          ...metricOf('Duration', it),
          Statistic: 'Maximum',
          Period: 300,
          EvaluationPeriods: 1,
          Threshold: closeToTimeout * it.timeout * 1_000,
        },
      },
    }),
  };
}
