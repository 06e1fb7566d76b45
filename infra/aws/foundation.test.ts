/** What infra/aws/foundation.yml says: it is not deployed here, and no check of this project reads it otherwise. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { z } from 'zod';
import { findingsOf } from './testing/cfn-lint/findings.ts';

const file = 'infra/aws/foundation.yml';
const text = readFileSync(file, 'utf8');
const template = z
  .looseObject({
    Parameters: z.record(z.string(), z.looseObject({ Default: z.unknown() })),
    Resources: z.record(
      z.string(),
      z.looseObject({
        Type: z.string(),
        Properties: z.record(z.string(), z.unknown()).default({}),
        DependsOn: z.string().optional(),
        DeletionPolicy: z.string().optional(),
        UpdateReplacePolicy: z.string().optional(),
      }),
    ),
    Outputs: z.record(z.string(), z.looseObject({ Description: z.string(), Value: z.unknown() })),
  })
  .parse(parse(text));
const resources = Object.entries(template.Resources);

const propertiesOf = <T>(name: string, schema: z.ZodType<T>): T =>
  schema.parse(template.Resources[name]?.Properties);

const namesOfType = (type: string): string[] =>
  resources.flatMap(([name, { Type }]) => (Type === type ? [name] : []));

/** Returns the names that the values in a template refer to. */
function referencesIn(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(referencesIn);
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => {
    if (key === 'Ref') return [z.string().parse(inner)];
    if (key === 'Fn::GetAtt') return [z.tuple([z.string(), z.string()]).parse(inner)[0]];
    if (key === 'Fn::Sub')
      return [
        ...z
          .string()
          .parse(inner)
          .matchAll(/\$\{([^}]+)\}/g),
      ].map(([, name = '']) => name);
    return referencesIn(inner);
  });
}

const ruleSchema = z.looseObject({
  FromPort: z.number(),
  ToPort: z.number(),
  SourceSecurityGroupId: z.object({ 'Fn::GetAtt': z.tuple([z.string(), z.literal('GroupId')]) }),
});
const sourceIn = ({ FromPort, ToPort, SourceSecurityGroupId }: z.output<typeof ruleSchema>) => ({
  ports: [FromPort, ToPort],
  from: SourceSecurityGroupId['Fn::GetAtt'][0],
});

test('cfn-lint finds nothing', async () => {
  expect(await findingsOf(file)).toEqual([]);
});

describe('foundation.yml', () => {
  test('refers only to what it has, and has no parameter without a use', () => {
    const used = referencesIn([template.Resources, template.Outputs]).filter(
      (name) => !name.startsWith('AWS::'),
    );
    const known = [...Object.keys(template.Parameters), ...Object.keys(template.Resources)];
    expect(used.length).toBeGreaterThan(50);
    expect(used.filter((name) => !known.includes(name))).toEqual([]);
    expect(Object.keys(template.Parameters).filter((name) => !used.includes(name))).toEqual([]);
    for (const [name, { DependsOn }] of resources)
      if (DependsOn !== undefined)
        expect([name, known]).toEqual([name, expect.arrayContaining([DependsOn])]);
  });

  test('can be created without a parameter', () => {
    for (const [name, { Default }] of Object.entries(template.Parameters))
      expect([name, Default]).not.toEqual([name, undefined]);
  });

  test('has an output for each field of the deploy file that it decides, and no secret', () => {
    const described = Object.values(template.Outputs).map(({ Description }) => Description);
    expect(described).toEqual(
      expect.arrayContaining(
        ['vpc.subnetIds', 'vpc.securityGroupIds', 'clusterArn'].map(
          (field) => `${field} of the deploy file`,
        ),
      ),
    );
    expect(text).not.toMatch(/\bMasterUserPassword:/);
  });

  test('has brokers and database in private subnets, whose only way out is that of the NAT gateway', () => {
    const privateSubnets = ['PrivateSubnet0', 'PrivateSubnet1', 'PrivateSubnet2'];
    const subnets = z.array(z.object({ Ref: z.string() }));
    const { BrokerNodeGroupInfo } = propertiesOf(
      'Brokers',
      z.looseObject({ BrokerNodeGroupInfo: z.looseObject({ ClientSubnets: subnets }) }),
    );
    const { SubnetIds } = propertiesOf('DatabaseSubnets', z.looseObject({ SubnetIds: subnets }));
    for (const list of [BrokerNodeGroupInfo.ClientSubnets, SubnetIds])
      expect(list.map(({ Ref }) => Ref)).toEqual(privateSubnets);
    const tables = Object.fromEntries(
      namesOfType('AWS::EC2::SubnetRouteTableAssociation').map((name) => {
        const [subnet = '', table = ''] = referencesIn(template.Resources[name]?.Properties);
        return [subnet, table];
      }),
    );
    for (const subnet of namesOfType('AWS::EC2::Subnet'))
      expect([subnet, tables[subnet]]).toEqual([
        subnet,
        privateSubnets.includes(subnet) ? 'PrivateRoutes' : 'PublicRoutes',
      ]);
    expect(propertiesOf('PrivateDefaultRoute', z.unknown())).toMatchObject({
      RouteTableId: { Ref: 'PrivateRoutes' },
      NatGatewayId: { Ref: 'NatGateway' },
    });
    expect(propertiesOf('Database', z.unknown())).toMatchObject({ PubliclyAccessible: false });
  });

  test('lets in clients alone, each to its port', () => {
    const ingress = namesOfType('AWS::EC2::SecurityGroup').map((name) => {
      const { SecurityGroupIngress = [] } = propertiesOf(
        name,
        z.looseObject({ SecurityGroupIngress: z.array(ruleSchema).optional() }),
      );
      return [name, SecurityGroupIngress.map(sourceIn)];
    });
    expect(Object.fromEntries(ingress)).toEqual({
      ClientsGroup: [],
      BrokersGroup: [{ ports: [9098, 9098], from: 'ClientsGroup' }],
      DatabaseGroup: [{ ports: [5432, 5432], from: 'ClientsGroup' }],
    });
    expect(namesOfType('AWS::EC2::SecurityGroupIngress')).toEqual(['BrokersFromPollers']);
    expect(sourceIn(propertiesOf('BrokersFromPollers', ruleSchema))).toEqual({
      ports: [9098, 9098],
      from: 'BrokersGroup',
    });
  });

  test('has brokers with IAM and TLS alone, and a database with TLS alone, encrypted', () => {
    expect(propertiesOf('Brokers', z.unknown())).toMatchObject({
      ClientAuthentication: {
        Sasl: { Iam: { Enabled: true } },
        Unauthenticated: { Enabled: false },
      },
      EncryptionInfo: { EncryptionInTransit: { ClientBroker: 'TLS', InCluster: true } },
    });
    expect(propertiesOf('Database', z.unknown())).toMatchObject({
      StorageEncrypted: true,
      ManageMasterUserPassword: true,
      DBParameterGroupName: { Ref: 'DatabaseParameters' },
    });
    expect(propertiesOf('DatabaseParameters', z.unknown())).toMatchObject({
      Parameters: { 'rds.force_ssl': '1' },
    });
  });

  test('keeps data when the stack is deleted', () => {
    expect(template.Resources.Brokers).toMatchObject({
      DeletionPolicy: 'Retain',
      UpdateReplacePolicy: 'Retain',
    });
    expect(template.Resources.Database).toMatchObject({
      DeletionPolicy: 'Snapshot',
      UpdateReplacePolicy: 'Snapshot',
    });
  });
});
