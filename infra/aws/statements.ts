import { deadLetterTopicOf, topics } from '../../lib/messaging/topics.ts';
import { type Access, accessOf, type KafkaUse, type StorageAction } from './access.ts';
import type { Deployment } from './deploy-file.ts';
import type { EventSource, FunctionOfService } from './service.ts';

/** A value of a template: a text, or an intrinsic function of CloudFormation. */
type TemplateValue = string | Readonly<Record<string, unknown>>;

export interface Statement {
  Effect: 'Allow';
  Action: readonly string[];
  Resource: '*' | readonly TemplateValue[];
}

/** Everything that the statements of one function depend on. */
export interface StatementContext {
  deployment: Deployment;
  stage: string;
  /** The event sources of all functions. */
  eventSources: readonly EventSource[];
}

/** Returns the rights of a function that access.ts and its events need, and no more. */
export function statementsOf(
  { name, logGroup, eventSources }: FunctionOfService,
  context: StatementContext,
): Statement[] {
  const access = accessOf(name);
  return [
    allow(['logs:CreateLogStream', 'logs:PutLogEvents'], [{ 'Fn::GetAtt': [logGroup, 'Arn'] }]),
    networkInterfaces(eventSources.length > 0),
    allow(['secretsmanager:GetSecretValue'], secretsOf(name, context.deployment)),
    ...kafkaStatements(access.kafka ?? [], eventSources, context),
    ...storageStatements(access.storage ?? [], context.deployment.kmsKey),
    ...socketStatements(access, context.stage),
  ];
}

const secretsOf = (
  functionName: string,
  { secretArn, preparationSecretArn }: Deployment,
): readonly string[] =>
  functionName === 'prepare' ? [secretArn, preparationSecretArn] : [secretArn];

const allow = (Action: readonly string[], Resource: Statement['Resource']): Statement => ({
  Effect: 'Allow',
  Action,
  Resource,
});

/**
 * Those of AWSLambdaVPCAccessExecutionRole and, for the event sources, of AWSLambdaMSKExecutionRole. The interfaces are
 * Lambda's, their ids are not known before, and EC2 has no resources for the actions that describe.
 */
const networkInterfaces = (hasEventSources: boolean): Statement =>
  allow(
    [
      'ec2:AssignPrivateIpAddresses',
      'ec2:CreateNetworkInterface',
      'ec2:DeleteNetworkInterface',
      'ec2:DescribeNetworkInterfaces',
      'ec2:DescribeSubnets',
      'ec2:UnassignPrivateIpAddresses',
      ...(hasEventSources ? ['ec2:DescribeSecurityGroups', 'ec2:DescribeVpcs'] : []),
    ],
    '*',
  );

/** The rights to a cluster with IAM. One without it ignores `kafka-cluster`. */
function kafkaStatements(
  uses: readonly KafkaUse[],
  own: readonly EventSource[],
  { deployment, eventSources }: StatementContext,
): Statement[] {
  const { clusterArn } = deployment;
  const arnsOf = (kind: 'topic' | 'group', names: readonly string[]): string[] =>
    [...new Set(names)]
      .toSorted()
      .map((name) => `${clusterArn.replace(':cluster/', `:${kind}/`)}/${name}`);
  const rights = rightsTo(uses, own, eventSources);
  const onCluster = [
    ...(own.length > 0 || uses.length > 0 ? ['Connect'] : []),
    ...(own.length > 0 ? ['DescribeClusterDynamicConfiguration'] : []),
    ...(rights.written.length > 0 ? ['WriteDataIdempotently'] : []),
  ];
  const statements = [
    allow(
      own.length > 0
        ? ['kafka:DescribeCluster', 'kafka:DescribeClusterV2', 'kafka:GetBootstrapBrokers']
        : [],
      [clusterArn],
    ),
    allow(inKafka(onCluster), [clusterArn]),
    allow(inKafka(['CreateTopic', 'DescribeTopic']), arnsOf('topic', rights.created)),
    allow(inKafka(['DescribeTopic', 'ReadData']), arnsOf('topic', rights.read)),
    allow(inKafka(['DescribeTopic', 'WriteData']), arnsOf('topic', rights.written)),
    allow(inKafka(['DescribeTopic']), arnsOf('topic', rights.described)),
    allow(inKafka(['AlterGroup', 'DescribeGroup']), arnsOf('group', rights.joinedGroups)),
    allow(inKafka(['DescribeGroup']), arnsOf('group', rights.describedGroups)),
  ];
  return statements.filter(({ Action, Resource }) => Action.length > 0 && Resource.length > 0);
}

const inKafka = (actions: readonly string[]): string[] =>
  actions.map((action) => `kafka-cluster:${action}`);

/** Returns the names of topics and groups by what a function does with them. */
function rightsTo(
  uses: readonly KafkaUse[],
  own: readonly EventSource[],
  all: readonly EventSource[],
) {
  const pipelineTopics = all
    .map(({ topic }) => topic)
    .filter((topic) => !ourTopics.includes(topic))
    .flatMap((topic) => [topic, deadLetterTopicOf(topic)]);
  const allTopics = [...ourTopics, ...pipelineTopics];
  // lib/health/our-consumers.ts leaves out the events of exports: a page without them asks for the states.
  const measured = all.filter(({ topic }) => topic !== topics.results.name);
  const when = (use: KafkaUse, names: readonly string[]): readonly string[] =>
    uses.includes(use) ? names : [];
  return {
    created: when('createTopics', allTopics),
    read: [
      ...own.map(({ topic }) => topic),
      ...when('readDeadLetters', allTopics.filter(isDeadLetterTopic)),
    ],
    written: [...when('relay', allTopics), ...when('publishReadings', [topics.readings.name])],
    described: when(
      'measureLag',
      measured.map(({ topic }) => topic),
    ),
    joinedGroups: own.map(({ groupId }) => groupId),
    describedGroups: when(
      'measureLag',
      measured.map(({ groupId }) => groupId),
    ),
  };
}

const ourTopics: readonly string[] = Object.values(topics).map(({ name }) => name);
const isDeadLetterTopic = (topic: string): boolean => topic.endsWith(deadLetterTopicOf(''));

const bucketArn = { 'Fn::GetAtt': ['ExportsBucket', 'Arn'] };
const objectsArn = { 'Fn::Sub': `\${ExportsBucket.Arn}/exports/*` };

function storageStatements(actions: readonly StorageAction[], kmsKey: string): Statement[] {
  const named = (some: readonly StorageAction[]): string[] => some.map((action) => `s3:${action}`);
  const onBucket = actions.filter((action) => action.startsWith('List'));
  const onObjects = actions.filter((action) => !action.startsWith('List'));
  // S3 decrypts the parts of an upload when it completes it.
  const onKey = [
    ...(actions.includes('PutObject') ? ['kms:GenerateDataKey'] : []),
    ...(actions.includes('PutObject') || actions.includes('GetObject') ? ['kms:Decrypt'] : []),
  ];
  return [
    allow(named(onBucket), [bucketArn]),
    allow(named(onObjects), [objectsArn]),
    allow(kmsKey === '' ? [] : onKey, [kmsKey]),
  ].filter(({ Action }) => Action.length > 0);
}

const socketStatements = ({ sockets }: Access, stage: string): Statement[] =>
  sockets
    ? [
        allow(
          ['execute-api:ManageConnections'],
          ['POST', 'DELETE'].map((method) => ({
            'Fn::Sub': `arn:\${AWS::Partition}:execute-api:\${AWS::Region}:\${AWS::AccountId}:\${WebsocketsApi}/${stage}/${method}/@connections/*`,
          })),
        ),
      ]
    : [];
