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
    Code: z.object({ S3Key: z.string() }),
    Environment: z.object({ Variables: z.record(z.string(), z.string()) }),
  }),
});

const mappingSchema = z.object({
  Type: z.literal('AWS::Lambda::EventSourceMapping'),
  Properties: z.object({ EventSourceArn: z.string(), Topics: z.array(z.string()) }),
});

const templateSchema = z.object({ Resources: z.record(z.string(), z.unknown()) });

export interface Template {
  text: string;
  functions: z.output<typeof functionSchema>['Properties'][];
  mappings: z.output<typeof mappingSchema>['Properties'][];
}

/** Reads the template that `serverless package` wrote in a directory. */
export function readTemplate(directory: string): Template {
  const text = readFileSync(
    join(directory, '.serverless/cloudformation-template-update-stack.json'),
    'utf8',
  );
  const resources = Object.values(templateSchema.parse(JSON.parse(text)).Resources);
  return {
    text,
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
