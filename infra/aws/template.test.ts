/** What the packaged template says of network, rights, limits and alarms. package.test.ts has its artifacts. */
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { z } from 'zod';
import { readPipelines, topicsOf } from '../../lib/ingest/pipelines/load.ts';
import { deadLetterTopicOf, topics } from '../../lib/messaging/topics.ts';
import { environmentSchema } from '../../lib/runtime/config.ts';
import { secretVariables } from '../../lib/runtime/secret-variables.ts';
import { accessOf } from './access.ts';
import { readHandlers } from './functions.ts';
import { findingsOf } from './testing/cfn-lint/findings.ts';
import {
  copyOfService,
  deployment,
  deploymentVariables,
  packageService,
} from './testing/deployment.ts';
import {
  readTemplate,
  statementsOf,
  type Template,
  type TemplateFunction,
  templateFile,
} from './testing/template.ts';

const handlers = readHandlers('.');
let service: string;
let template: Template;

beforeAll(async () => {
  service = copyOfService();
  await packageService(service, deploymentVariables);
  template = readTemplate(service);
});
afterAll(() => rmSync(service, { recursive: true }));

const nameOf = ({ FunctionName }: TemplateFunction): string =>
  FunctionName.replace('streamsync-prod-', '');

const functionOf = (name: string): TemplateFunction => {
  const found = template.functions.find((it) => nameOf(it) === name);
  if (!found) throw new Error(`the template has no function ${name}`);
  return found;
};

/** The event sources of a function. Serverless gives it the id of its role, with another ending. */
const mappingsOf = (name: string): Template['mappings'] => {
  const id = functionOf(name).Role['Fn::GetAtt'][0].replace(/Role$/, 'LambdaFunction');
  return template.mappings.filter((it) => it.FunctionName['Fn::GetAtt'][0] === id);
};

const topicsOfFunction = (name: string): string[] =>
  mappingsOf(name).flatMap(({ Topics }) => Topics);

/** The resources of a type, read by a schema of their properties. */
const propertiesOf = <T>(type: string, schema: z.ZodType<T>): T[] =>
  Object.values(template.resources)
    .filter((it) => z.object({ Type: z.literal(type) }).safeParse(it).success)
    .map((it) => z.object({ Properties: schema }).parse(it).Properties);

const docs = readFileSync('docs/deploy.md', 'utf8');
const sum = (numbers: readonly number[]): number => numbers.reduce((all, one) => all + one, 0);

const ours: readonly string[] = Object.values(topics).map(({ name }) => name);
const pipelines = readPipelines(['docs/examples/pipelines']);
const ofPipelines = pipelines.flatMap(({ topic }) => [topic, deadLetterTopicOf(topic)]);

/** Returns the names that statements of a function have for an action on topics or groups. */
function kafkaNames(name: string, action: string, kind: 'topic' | 'group'): string[] {
  const prefix = `${deployment.clusterArn.replace(':cluster/', `:${kind}/`)}/`;
  return statementsOf(template, functionOf(name))
    .filter(({ Action }) => Action.includes(`kafka-cluster:${action}`))
    .flatMap(({ Resource }) => (Resource === '*' ? [] : Resource))
    .flatMap((arn) =>
      typeof arn === 'string' && arn.startsWith(prefix) ? [arn.slice(prefix.length)] : [],
    )
    .toSorted();
}

test('cfn-lint finds nothing but a needless `DependsOn` of Serverless', async () => {
  const findings = await findingsOf(join(service, templateFile));
  // Serverless names in DependsOn what a resource refers to anyway.
  const isOfServerless = (finding: string): boolean => /^W3005 \S+\.DependsOn/.test(finding);
  expect(findings.filter((finding) => !isOfServerless(finding))).toEqual([]);
});

describe('the network', () => {
  test('of every function is that of the deploy file', () => {
    expect(template.functions).toHaveLength(Object.keys(handlers).length);
    for (const { VpcConfig } of template.functions)
      expect(VpcConfig).toEqual({
        SubnetIds: deployment.vpc.subnetIds,
        SecurityGroupIds: deployment.vpc.securityGroupIds,
      });
  });
});

describe('the rights', () => {
  test('each function has a role of its own', () => {
    const roles = template.functions.map(({ Role }) => Role['Fn::GetAtt'][0]);
    expect(new Set(roles).size).toBe(roles.length);
    expect(propertiesOf('AWS::IAM::Role', z.unknown())).toHaveLength(roles.length);
  });

  test('are for all resources only where AWS cannot name one before', () => {
    // Lambda creates the interfaces, and EC2 has no resources for what only describes.
    const unscoped = [
      'ec2:AssignPrivateIpAddresses',
      'ec2:CreateNetworkInterface',
      'ec2:DeleteNetworkInterface',
      'ec2:DescribeNetworkInterfaces',
      'ec2:DescribeSecurityGroups',
      'ec2:DescribeSubnets',
      'ec2:DescribeVpcs',
      'ec2:UnassignPrivateIpAddresses',
    ];
    const statements = template.functions.flatMap((it) => statementsOf(template, it));
    const actions = statements.flatMap(({ Action, Resource }) => (Resource === '*' ? Action : []));
    expect([...new Set(actions)].toSorted()).toEqual(unscoped);
    expect(statements.flatMap(({ Action }) => Action).join(' ')).not.toContain('*');
    expect(statements.flatMap(({ Resource }) => (Resource === '*' ? [] : Resource))).not.toContain(
      '*',
    );
  });

  test('to a log are for the own group of the function, which keeps 30 days', () => {
    for (const it of template.functions) {
      const [log] = statementsOf(template, it);
      expect(log?.Action).toEqual(['logs:CreateLogStream', 'logs:PutLogEvents']);
      const [group] = z
        .tuple([z.object({ 'Fn::GetAtt': z.tuple([z.string(), z.literal('Arn')]) })])
        .parse(log?.Resource);
      expect(template.resources[group['Fn::GetAtt'][0]]).toMatchObject({
        Type: 'AWS::Logs::LogGroup',
        Properties: { LogGroupName: `/aws/lambda/${it.FunctionName}`, RetentionInDays: 30 },
      });
    }
  });

  test('to secrets are for that of the deployment, and for that of the preparation only in `prepare`', () => {
    for (const it of template.functions)
      expect([
        nameOf(it),
        statementsOf(template, it).filter(({ Action }) =>
          Action.some((action) => action.startsWith('secretsmanager:')),
        ),
      ]).toEqual([
        nameOf(it),
        [
          {
            Effect: 'Allow',
            Action: ['secretsmanager:GetSecretValue'],
            Resource:
              nameOf(it) === 'prepare'
                ? [deployment.secretArn, deployment.preparationSecretArn]
                : [deployment.secretArn],
          },
        ],
      ]);
  });

  test('to topics are for those that the function uses', () => {
    const letters = [...ours, ...ofPipelines].filter((topic) => topic.endsWith('.dlq'));
    const measured = template.mappings.flatMap(({ Topics }) => Topics);
    for (const name of Object.keys(handlers)) {
      const uses = accessOf(name).kafka ?? [];
      const read = [
        ...topicsOfFunction(name),
        ...(uses.includes('readDeadLetters') ? letters : []),
      ];
      const written = [
        ...(uses.includes('relay') ? [...ours, ...ofPipelines] : []),
        ...(uses.includes('publishReadings') ? [topics.readings.name] : []),
      ];
      const created = uses.includes('createTopics') ? [...ours, ...ofPipelines] : [];
      const described = uses.includes('measureLag')
        ? measured.filter((topic) => topic !== topics.results.name)
        : [];
      const sorted = (names: readonly string[]): string[] => [...new Set(names)].toSorted();
      expect([name, kafkaNames(name, 'ReadData', 'topic')]).toEqual([name, sorted(read)]);
      expect([name, kafkaNames(name, 'WriteData', 'topic')]).toEqual([name, sorted(written)]);
      expect([name, kafkaNames(name, 'CreateTopic', 'topic')]).toEqual([name, sorted(created)]);
      expect([name, sorted(kafkaNames(name, 'DescribeTopic', 'topic'))]).toEqual([
        name,
        sorted([...read, ...written, ...described, ...created]),
      ]);
    }
  });

  test('to read objects are denied outside the network, where a leaked signature would else be good', () => {
    expect(template.resources.ExportsBucketPolicy).toMatchObject({
      Properties: {
        PolicyDocument: {
          Statement: [
            { Sid: 'OnlyTls' },
            {
              Effect: 'Deny',
              Principal: '*',
              Action: 's3:GetObject',
              Resource: [{ 'Fn::Sub': `\${ExportsBucket.Arn}/*` }],
              Condition: { StringNotEquals: { 'aws:SourceVpc': deployment.vpcId } },
            },
          ],
        },
      },
    });
  });

  test('to a consumer group are for the functions whose events have it', () => {
    for (const name of Object.keys(handlers)) {
      const groups = mappingsOf(name).map(
        (it) => it.AmazonManagedKafkaEventSourceConfig.ConsumerGroupId,
      );
      expect([name, kafkaNames(name, 'AlterGroup', 'group')]).toEqual([name, groups.toSorted()]);
    }
  });

  test.each([
    ['s3', ['export-worker', 'get-health', 'prepare', 'sweep']],
    ['kms', ['export-worker']],
    ['execute-api', ['live-fanout', 'live-message', 'push-export-events', 'sweep']],
  ])('to %s are only for the functions that use it', (prefix, names) => {
    const withRight = template.functions.filter((it) =>
      statementsOf(template, it).some(({ Action }) =>
        Action.some((action) => action.startsWith(`${prefix}:`)),
      ),
    );
    expect(withRight.map(nameOf).toSorted()).toEqual(names);
  });
});

describe('the events', () => {
  test('have topics of StreamSync or of pipelines', () => {
    const named = template.mappings.flatMap(({ Topics }) => Topics);
    expect(named.filter((topic) => ![...ours, ...ofPipelines].includes(topic))).toEqual([]);
  });

  test('from Kafka invoke only functions with at most 14 minutes, as AWS demands', () => {
    for (const name of Object.keys(handlers))
      if (topicsOfFunction(name).length > 0)
        expect(functionOf(name).Timeout).toBeLessThanOrEqual(840);
  });

  test('of the work have one poller and one call for each partition', () => {
    const pollers = template.mappings
      .filter(({ Topics }) => Topics.includes(topics.work.name))
      .map((it) => it.ProvisionedPollerConfig);
    const { partitions } = topics.work;
    expect(pollers).toEqual([{ MinimumPollers: partitions, MaximumPollers: partitions }]);
    expect(functionOf('export-worker')).toMatchObject({
      ReservedConcurrentExecutions: partitions,
      MemorySize: deployment.workerMemory,
    });
  });
});

describe('the concurrency', () => {
  test('is reserved for every function: as many calls as partitions, or by whether it queries sources', () => {
    const partitions = new Map(
      [...Object.values(topics), ...topicsOf(pipelines)].map((it) => [it.name, it.partitions]),
    );
    const expected = template.functions.map((it) => {
      const name = nameOf(it);
      const ofTopics = sum(topicsOfFunction(name).map((topic) => partitions.get(topic) ?? 0));
      const { sourceConcurrency, concurrency } = deployment;
      return [name, ofTopics || (accessOf(name).sources ? sourceConcurrency : concurrency)];
    });
    expect(
      Object.fromEntries(
        template.functions.map((it) => [nameOf(it), it.ReservedConcurrentExecutions]),
      ),
    ).toEqual({ ...Object.fromEntries(expected), sweep: 2, prepare: 1 });
  });

  test('leaves an account with the usual quota of 1,000 the 100 that no function may reserve', () => {
    const reserved = template.functions.map((it) => it.ReservedConcurrentExecutions);
    expect(sum(reserved)).toBeLessThan(900);
    expect(docs).toContain(`**${sum(reserved)} calls**`);
  });

  test('limits the connections to the catalogue to what docs/deploy.md says, and a database of foundation.yml has', () => {
    const maxConnections = sum(
      template.functions.map(
        ({ ReservedConcurrentExecutions: calls, Environment }) =>
          calls * Number(Environment.Variables.STREAMSYNC_CATALOGUE_CONNECTIONS),
      ),
    );
    expect(docs).toContain(`**${maxConnections} connections**`);
    const { Resources } = z
      .looseObject({ Resources: z.record(z.string(), z.unknown()) })
      .parse(parse(readFileSync('infra/aws/foundation.yml', 'utf8')));
    const { Properties } = z
      .looseObject({
        Properties: z.looseObject({
          Parameters: z.looseObject({ max_connections: z.coerce.number() }),
        }),
      })
      .parse(Resources.DatabaseParameters);
    // The rest is for the door, the owners of the databases and the readings.
    expect(Properties.Parameters.max_connections).toBeGreaterThanOrEqual(maxConnections + 100);
  });
});

describe('the variables', () => {
  test('of the configuration are all set, but those of the secret, the region, which Lambda sets, and the local storage', () => {
    for (const { Environment } of template.functions) {
      const unset = Object.keys(environmentSchema.shape).filter(
        (name) => !Object.hasOwn(Environment.Variables, name),
      );
      expect(unset.toSorted()).toEqual(
        ['AWS_REGION', 'STREAMSYNC_S3_ENDPOINT', ...secretVariables].toSorted(),
      );
      expect(Environment.Variables.STREAMSYNC_SECRET_ARN).toBe(deployment.secretArn);
    }
  });

  test('of the secret are in no file that is deployed, nor are their values', () => {
    const names: readonly string[] = secretVariables;
    const values = names.flatMap((name) => deploymentVariables[name] || []);
    expect(values.length).toBeGreaterThan(5);
    // As they are, and as a text in JSON has them.
    const texts = [
      ...names,
      ...values,
      ...values.map((value) => JSON.stringify(value).slice(1, -1)),
    ];
    const directory = join(service, '.serverless');
    for (const file of readdirSync(directory)) {
      const written = readFileSync(join(directory, file), 'utf8');
      expect([file, texts.filter((text) => written.includes(text))]).toEqual([file, []]);
    }
  });

  test('have the bucket and the key of the deploy file', () => {
    for (const { Environment } of template.functions)
      expect(Environment.Variables).toMatchObject({
        STREAMSYNC_S3_BUCKET: deployment.bucket,
        STREAMSYNC_S3_KMS_KEY: deployment.kmsKey,
      });
    expect(template.resources.ExportsBucket).toMatchObject({
      Properties: { BucketName: deployment.bucket },
    });
  });
});

describe('the alarms', () => {
  const alarmSchema = z.object({
    AlarmActions: z.array(z.string()),
    Metrics: z
      .array(z.object({ MetricStat: z.object({ Metric: z.unknown() }).optional() }))
      .optional(),
    Dimensions: z.array(z.unknown()).optional(),
  });

  test('are sent to the topic of the deploy file, and concern every function with events that are not HTTP', () => {
    const alarms = propertiesOf('AWS::CloudWatch::Alarm', alarmSchema);
    for (const { AlarmActions } of alarms) expect(AlarmActions).toEqual([deployment.alarmTopic]);
    const text = JSON.stringify(alarms);
    for (const [name, handler] of Object.entries(handlers))
      expect([name, text.includes(`"streamsync-prod-${name}"`)]).toEqual([
        name,
        /^handlers\/(?:kafka|websocket|schedule)\//.test(handler),
      ]);
  });

  test('on metrics of the functions have the dimension that the functions get', () => {
    const own = propertiesOf(
      'AWS::CloudWatch::Alarm',
      z.object({ Namespace: z.string().optional(), Dimensions: z.array(z.unknown()).optional() }),
    ).filter(({ Namespace }) => Namespace === 'StreamSync');
    const services = propertiesOf(
      'AWS::Lambda::Function',
      z.object({
        Environment: z.object({ Variables: z.object({ POWERTOOLS_SERVICE_NAME: z.string() }) }),
      }),
    ).map(({ Environment }) => Environment.Variables.POWERTOOLS_SERVICE_NAME);
    expect(own.length).toBeGreaterThan(0);
    expect(new Set(services).size).toBe(1);
    for (const { Dimensions } of own)
      expect(Dimensions).toEqual([{ Name: 'service', Value: services[0] }]);
  });

  test('add up at most 10 metrics', () => {
    for (const { Metrics = [] } of propertiesOf('AWS::CloudWatch::Alarm', alarmSchema))
      expect(Metrics.length).toBeLessThanOrEqual(1 + 10);
  });

  test('have a dashboard with charts of the same functions', () => {
    const [dashboard] = propertiesOf(
      'AWS::CloudWatch::Dashboard',
      z.object({ DashboardBody: z.object({ 'Fn::Sub': z.string() }) }),
    );
    const body = dashboard?.DashboardBody['Fn::Sub'] ?? '';
    const { widgets } = z.object({ widgets: z.array(z.unknown()) }).parse(JSON.parse(body));
    expect(widgets.length).toBeGreaterThan(0);
    expect(body).toContain('streamsync-prod-export-worker');
  });
});

describe('the template', () => {
  test('has fewer resources than CloudFormation allows, with room for more', () => {
    expect(Object.keys(template.resources).length).toBeLessThan(450);
  });

  test('refers only to resources that it has', () => {
    const names = [
      ...template.text.matchAll(/"(?:Ref|Fn::GetAtt)":[\s[]*"([^":]+)"/g),
      ...template.text.matchAll(/\$\{(\w+)(?:\.\w+)?\}/g),
    ].map(([, name = '']) => name);
    expect(names.length).toBeGreaterThan(Object.keys(template.resources).length);
    const missing = names.filter((name) => !Object.hasOwn(template.resources, name));
    expect([...new Set(missing)]).toEqual([]);
  });

  test('exports the addresses that the door imports', () => {
    const { Outputs } = z
      .object({
        Outputs: z.record(z.string(), z.object({ Export: z.object({ Name: z.string() }) })),
      })
      .parse(JSON.parse(template.text));
    const exported = Object.values(Outputs).map(({ Export }) => Export.Name);
    const imported = [
      ...readFileSync('infra/aws/door.yml', 'utf8').matchAll(/'(sls-streamsync-\$\{Stage\}-\w+)'/g),
    ].map(([, name = '']) => name.replace(`\${Stage}`, 'prod'));
    expect(imported).toHaveLength(2);
    expect(imported.filter((name) => !exported.includes(name))).toEqual([]);
  });

  test('is not made without a deploy file of the stage', async () => {
    await expect(packageService(service, deploymentVariables, 'staging')).rejects.toMatchObject({
      stdout: expect.stringContaining('deploy.staging.yml is missing: copy deploy.example.yml'),
    });
  });

  test('has nothing of the variables that the stage local has instead of a deploy file', () => {
    const { STREAMSYNC_KAFKA_ARN = '', AWS_REGION = '' } = deploymentVariables;
    expect([STREAMSYNC_KAFKA_ARN, AWS_REGION]).not.toContain('');
    expect(template.text).not.toContain(STREAMSYNC_KAFKA_ARN);
    expect(template.text).not.toContain(AWS_REGION);
  });
});
