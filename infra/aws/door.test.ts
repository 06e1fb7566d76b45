/** The template of the door, compared with what runs in its containers. docs/deploy.md says what else was checked. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { z } from 'zod';
import { topics } from '../../lib/messaging/topics.ts';
import { environmentSchema, readConfig } from '../../lib/runtime/config.ts';
import { readDockerfile, valuesOf } from '../../tests/support/dockerfile.ts';
import { containerSettings } from '../nginx/container.ts';
import { findingsOf } from './testing/cfn-lint/findings.ts';
import { deploymentVariables } from './testing/deployment.ts';

const file = 'infra/aws/door.yml';
const text = readFileSync(file, 'utf8');

const containerSchema = z.object({
  Name: z.string(),
  Image: z.object({ Ref: z.string() }),
  Essential: z.boolean(),
  Command: z.array(z.string()).optional(),
  User: z.string(),
  ReadonlyRootFilesystem: z.boolean(),
  Environment: z.array(z.object({ Name: z.string(), Value: z.unknown() })).default([]),
  Secrets: z
    .array(z.object({ Name: z.string(), ValueFrom: z.object({ 'Fn::Sub': z.string() }) }))
    .default([]),
  DependsOn: z.array(z.object({ ContainerName: z.string(), Condition: z.string() })).default([]),
  PortMappings: z.array(z.object({ ContainerPort: z.int() })).default([]),
  HealthCheck: z.looseObject({ Command: z.array(z.string()) }).optional(),
  MountPoints: z.array(z.object({ SourceVolume: z.string(), ContainerPath: z.string() })),
});
type Container = z.output<typeof containerSchema>;

const statementSchema = z.object({
  Action: z.array(z.string()),
  Resource: z.union([z.literal('*'), z.array(z.unknown())]),
});
const resourceSchema = z.object({
  Type: z.string(),
  Properties: z.record(z.string(), z.unknown()).default({}),
});
const template = z
  .object({
    Parameters: z.record(
      z.string(),
      z.object({ Default: z.union([z.string(), z.number()]).optional() }),
    ),
    Resources: z.record(z.string(), resourceSchema),
  })
  .parse(parse(text));

function propertiesOf<S extends z.ZodType>(name: string, schema: S): z.output<S> {
  return schema.parse(template.Resources[name]?.Properties);
}

const { ContainerDefinitions: containers } = propertiesOf(
  'Task',
  z.object({ ContainerDefinitions: z.array(containerSchema) }),
);
const containerOf = (name: string): Container => {
  const found = containers.find(({ Name }) => Name === name);
  if (found === undefined) throw new Error(`the task has no container ${name}`);
  return found;
};

const compose = z
  .object({
    services: z.record(z.string(), z.looseObject({ command: z.array(z.string()).optional() })),
  })
  .parse(parse(readFileSync('docker-compose.yml', 'utf8'), { merge: true }));

const statementsOf = (role: string): z.output<typeof statementSchema>[] => {
  const { Policies } = propertiesOf(
    role,
    z.object({
      Policies: z.tuple([
        z.object({
          PolicyDocument: z.object({
            Statement: z.array(
              z.union([statementSchema, z.object({ 'Fn::If': z.array(z.unknown()) })]),
            ),
          }),
        }),
      ]),
    }),
  );
  return Policies[0].PolicyDocument.Statement.map((it) =>
    statementSchema.parse('Fn::If' in it ? it['Fn::If'][1] : it),
  );
};

const local = containerSettings(
  {
    STREAMSYNC_DOOR_SECRET: 'x'.repeat(43),
    STREAMSYNC_FUNCTIONS_URL: 'https://a1b2c3d4e5.execute-api.eu-central-1.amazonaws.com',
    STREAMSYNC_LIVE_URL: 'wss://f6g7h8i9j0.execute-api.eu-central-1.amazonaws.com/prod',
    STREAMSYNC_OBJECTS_URL: 'https://bucket.s3.eu-central-1.amazonaws.com',
  },
  'nameserver 10.0.0.2',
);

test('cfn-lint finds nothing', async () => {
  expect(await findingsOf(file)).toEqual([]);
});

describe('the containers', () => {
  test('are those of docker-compose.yml, with the same commands', () => {
    expect(containers.map(({ Name }) => Name)).toEqual([
      'render',
      'nginx',
      'authorizer',
      'shipper',
    ]);
    for (const { Name, Command = [] } of containers) {
      const command = compose.services[Name]?.command ?? [];
      // There a script makes variables of secrets, which ECS sets itself.
      const start = command[0]?.endsWith('with-secrets.sh') ? 2 : 0;
      expect([Name, Command]).toEqual([Name, command.slice(start)]);
    }
  });

  test('run without root, and write only to the directory that they share', () => {
    for (const { Name, User, ReadonlyRootFilesystem, MountPoints } of containers)
      expect([Name, User, ReadonlyRootFilesystem, MountPoints]).toEqual([
        Name,
        '1000:1000',
        true,
        [{ SourceVolume: 'door', ContainerPath: '/door' }],
      ]);
  });

  test('are of the images of the Dockerfile', () => {
    const images = containers.map(({ Name, Image }) => [Name, Image.Ref]);
    expect(Object.fromEntries(images)).toEqual({
      render: 'SidecarsImage',
      nginx: 'DoorImage',
      authorizer: 'SidecarsImage',
      shipper: 'SidecarsImage',
    });
    const stages = readDockerfile('Dockerfile');
    const door = stages.find(({ name }) => name === 'door');
    const healthCheck = z
      .array(z.string())
      .parse(containerOf('nginx').HealthCheck?.Command.slice(1));
    expect(door && valuesOf(door, 'HEALTHCHECK').join(' ')).toContain(JSON.stringify(healthCheck));
  });

  test('start in an order in which NGINX is stopped before what depends on it', () => {
    expect(containerOf('nginx').DependsOn).toEqual([
      { ContainerName: 'render', Condition: 'SUCCESS' },
      { ContainerName: 'authorizer', Condition: 'START' },
      { ContainerName: 'shipper', Condition: 'START' },
    ]);
    const others = containers.filter(({ Name }) => Name !== 'nginx');
    expect(others.flatMap(({ DependsOn }) => DependsOn)).toEqual([]);
    expect(containers.filter(({ Essential }) => !Essential).map(({ Name }) => Name)).toEqual([
      'render',
    ]);
  });
});

describe('the network', () => {
  test('leads from outside only to NGINX, and there by TLS', () => {
    const ports = containers.flatMap(({ Name, PortMappings }) =>
      PortMappings.map(({ ContainerPort }) => [Name, String(ContainerPort)]),
    );
    expect(ports).toEqual([['nginx', local.listen[0]]]);
    expect(local.listen).toHaveLength(1);
    const types = Object.values(template.Resources).map(({ Type }) => Type);
    expect(types.filter((type) => type.endsWith('::Listener'))).toHaveLength(1);
    expect(template.Resources.Listener?.Properties).toMatchObject({ Port: 443, Protocol: 'TLS' });
    expect(text.match(/0\.0\.0\.0\/0/g)).toHaveLength(1);
    expect(template.Resources.LoadBalancerGroup?.Properties).toMatchObject({
      SecurityGroupIngress: [{ FromPort: 443, ToPort: 443, CidrIp: '0.0.0.0/0' }],
    });
    const port = Number(local.listen[0]);
    expect(template.Resources.FromLoadBalancer?.Properties).toMatchObject({
      FromPort: port,
      ToPort: port,
      SourceSecurityGroupId: { Ref: 'LoadBalancerGroup' },
    });
  });

  test('has the authorizer on loopback, where NGINX asks it', () => {
    expect(local.authorizer).toBe(`127.0.0.1:${containerOf('authorizer').Command?.at(-2)}`);
  });

  test('passes the addresses of clients on, and only to doors that are healthy', () => {
    expect(template.Resources.TargetGroup?.Properties).toMatchObject({
      Port: Number(local.listen[0]),
      HealthCheckPath: '/healthz',
      TargetGroupAttributes: expect.arrayContaining([
        { Key: 'preserve_client_ip.enabled', Value: 'true' },
      ]),
    });
  });
});

describe('the rights', () => {
  test('are those that the authorizer and the shipper need', () => {
    expect(statementsOf('TaskRole').map(({ Action }) => Action)).toEqual([
      ['s3:GetObject'],
      ['kafka-cluster:Connect', 'kafka-cluster:WriteDataIdempotently'],
      ['kafka-cluster:DescribeTopic', 'kafka-cluster:WriteData'],
      ['kms:Decrypt'],
    ]);
    const resources = JSON.stringify(statementsOf('TaskRole').map(({ Resource }) => Resource));
    expect(resources).toContain(`\${Bucket}/exports/*`);
    expect(resources).toContain(`"/${topics.deliveries.name}"`);
  });

  test('to secrets, images and logs are not those of the containers', () => {
    const actions = statementsOf('ExecutionRole').flatMap(({ Action }) => Action);
    expect([...new Set(actions.map((action) => action.split(':')[0]))]).toEqual([
      'ecr',
      'logs',
      'secretsmanager',
    ]);
    expect(text.match(/secretsmanager:/g)).toHaveLength(1);
  });

  test('are for all resources only where AWS has none', () => {
    const unscoped = ['ExecutionRole', 'TaskRole']
      .flatMap(statementsOf)
      .flatMap(({ Action, Resource }) => (Resource === '*' ? Action : []));
    expect(unscoped).toEqual(['ecr:GetAuthorizationToken']);
  });
});

describe('the variables', () => {
  const namesOf = ({ Environment, Secrets }: Container): string[] =>
    [...Environment, ...Secrets].map(({ Name }) => Name);

  test('of the renderer are those of docker-compose.yml', () => {
    const { environment, secrets } = z
      .looseObject({ environment: z.record(z.string(), z.string()), secrets: z.array(z.string()) })
      .parse(compose.services.render);
    expect(namesOf(containerOf('render'))).toEqual([...Object.keys(environment), ...secrets]);
  });

  test('of the authorizer are enough for its configuration, and all have a meaning', () => {
    const names = namesOf(containerOf('authorizer'));
    expect(names.filter((name) => !Object.hasOwn(environmentSchema.shape, name))).toEqual([]);
    const values = names.map((name) => [name, deploymentVariables[name]]);
    expect(() => readConfig(Object.fromEntries(values))).not.toThrow();
  });

  test('of the shipper are those of its client of Kafka', () => {
    expect(namesOf(containerOf('shipper'))).toEqual([
      'STREAMSYNC_KAFKA_BROKERS',
      'STREAMSYNC_KAFKA_SECURITY',
    ]);
  });

  test('that are secret come from the secret, each by its name', () => {
    for (const { Name, ValueFrom } of containers.flatMap(({ Secrets }) => Secrets))
      expect(ValueFrom['Fn::Sub']).toBe(`\${SecretArn}:${Name}::`);
    const open = containers.flatMap(({ Environment }) => Environment).map(({ Name }) => Name);
    expect(open.filter((name) => /SECRET|KEY|PASSWORD|SOURCES|CATALOGUE/.test(name))).toEqual([]);
  });
});

test('the logs are kept for 30 days, and those of all containers are there', () => {
  expect(template.Resources.LogGroup?.Properties).toMatchObject({ RetentionInDays: 30 });
  expect(text.match(/awslogs-group: \{ Ref: LogGroup \}/g)).toHaveLength(containers.length);
});

test('the alarm counts lines of the log of NGINX with a status of 5xx', () => {
  const { FilterPattern, MetricTransformations } = propertiesOf(
    'Errors',
    z.object({
      FilterPattern: z.string(),
      MetricTransformations: z.tuple([
        z.object({ MetricName: z.object({ 'Fn::Sub': z.string() }) }),
      ]),
    }),
  );
  expect(FilterPattern).toBe('{ $.status >= 500 && $.seconds >= 0 }');
  const [, format] = readFileSync('infra/nginx/nginx.conf.template', 'utf8').split('log_format ');
  expect(format).toMatch(/"status":\$status,.*"seconds":\$request_time,/s);
  const [{ MetricName }] = MetricTransformations;
  expect(propertiesOf('ErrorsAlarm', z.object({ MetricName: z.unknown() }))).toEqual({
    MetricName,
  });
  const metric = MetricName['Fn::Sub'].replace(`\${Stage}`, `\${stage}`);
  expect(readFileSync('infra/aws/dashboard.ts', 'utf8')).toContain(`['StreamSync', \`${metric}\`]`);
});

test('the template refers only to what it has, and uses all its parameters', () => {
  const declared = [...Object.keys(template.Resources), ...Object.keys(template.Parameters)];
  const used = [
    ...text.matchAll(/Ref: '?([\w:]+)/g),
    ...text.matchAll(/'Fn::GetAtt': \[(\w+),/g),
    ...text.matchAll(/\$\{([\w:]+)\}/g),
  ].map(([, name = '']) => name);
  expect(used.length).toBeGreaterThan(50);
  expect(used.filter((name) => !name.startsWith('AWS::') && !declared.includes(name))).toEqual([]);
  expect(Object.keys(template.Parameters).filter((name) => !used.includes(name))).toEqual([]);
  // CloudFormation refuses aliases.
  expect(text).not.toMatch(/: [&*]\w/);
});
