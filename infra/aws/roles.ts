import type { Service } from './service.ts';
import { type Statement, statementsOf } from './statements.ts';

export interface Resource {
  Type: string;
  Properties: Readonly<Record<string, unknown>>;
}

export type Resources = Readonly<Record<string, Resource>>;

/** Returns the role of each function by its id. */
export function rolesOf({ stage, deployment, functions }: Service): Resources {
  const eventSources = functions.flatMap((it) => it.eventSources);
  return Object.fromEntries(
    functions.map((it) => [it.role, role(statementsOf(it, { deployment, stage, eventSources }))]),
  );
}

const role = (statements: readonly Statement[]): Resource => ({
  Type: 'AWS::IAM::Role',
  Properties: {
    AssumeRolePolicyDocument: {
      Version: '2012-10-17',
      Statement: [
        {
          Effect: 'Allow',
          Principal: { Service: 'lambda.amazonaws.com' },
          Action: 'sts:AssumeRole',
        },
      ],
    },
    Policies: [
      { PolicyName: 'function', PolicyDocument: { Version: '2012-10-17', Statement: statements } },
    ],
  },
});
