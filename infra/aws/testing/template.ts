import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';

const functionSchema = z.object({
  Type: z.literal('AWS::Lambda::Function'),
  Properties: z.object({
    FunctionName: z.string(),
    Handler: z.string(),
    Runtime: z.string(),
    Architectures: z.array(z.string()),
    Timeout: z.number(),
    MemorySize: z.number(),
    ReservedConcurrentExecutions: z.number(),
    Role: z.object({ 'Fn::GetAtt': z.tuple([z.string(), z.literal('Arn')]) }),
    VpcConfig: z.object({ SubnetIds: z.array(z.string()), SecurityGroupIds: z.array(z.string()) }),
    Code: z.object({ S3Key: z.string() }),
    Environment: z.object({ Variables: z.record(z.string(), z.string()) }),
  }),
});

const mappingSchema = z.object({
  Type: z.literal('AWS::Lambda::EventSourceMapping'),
  Properties: z.object({
    EventSourceArn: z.string(),
    FunctionName: z.object({ 'Fn::GetAtt': z.tuple([z.string(), z.literal('Arn')]) }),
    Topics: z.array(z.string()),
    AmazonManagedKafkaEventSourceConfig: z.object({ ConsumerGroupId: z.string() }),
    ProvisionedPollerConfig: z
      .object({ MinimumPollers: z.number(), MaximumPollers: z.number() })
      .optional(),
  }),
});

const statementSchema = z.strictObject({
  Effect: z.literal('Allow'),
  Action: z.array(z.string()),
  Resource: z.union([
    z.literal('*'),
    z.array(z.union([z.string(), z.record(z.string(), z.unknown())])),
  ]),
});

const roleSchema = z.object({
  Type: z.literal('AWS::IAM::Role'),
  Properties: z.object({
    Policies: z.tuple([
      z.object({ PolicyDocument: z.object({ Statement: z.array(statementSchema) }) }),
    ]),
  }),
});

const templateSchema = z.object({ Resources: z.record(z.string(), z.unknown()) });

export interface Template {
  text: string;
  functions: z.output<typeof functionSchema>['Properties'][];
  mappings: z.output<typeof mappingSchema>['Properties'][];
  /** All of them by their ids. */
  resources: Readonly<Record<string, unknown>>;
}

export type TemplateFunction = Template['functions'][number];
type Statement = z.output<typeof statementSchema>;

/** Returns the statements of the role of a function. */
export const statementsOf = ({ resources }: Template, { Role }: TemplateFunction): Statement[] =>
  roleSchema.parse(resources[Role['Fn::GetAtt'][0]]).Properties.Policies[0].PolicyDocument
    .Statement;

/** The template that `serverless package` writes in the directory of the service. */
export const templateFile = '.serverless/cloudformation-template-update-stack.json';

/** Reads the template that `serverless package` wrote in a directory. */
export function readTemplate(directory: string): Template {
  const text = readFileSync(join(directory, templateFile), 'utf8');
  const { Resources } = templateSchema.parse(JSON.parse(text));
  const resources = Object.values(Resources);
  return {
    text,
    resources: Resources,
    functions: resources
      .filter(isOfType('AWS::Lambda::Function'))
      .map((resource) => functionSchema.parse(resource).Properties),
    mappings: resources
      .filter(isOfType('AWS::Lambda::EventSourceMapping'))
      .map((resource) => mappingSchema.parse(resource).Properties),
  };
}

const isOfType =
  (type: string) =>
  (resource: unknown): boolean =>
    z.looseObject({ Type: z.literal(type) }).safeParse(resource).success;
