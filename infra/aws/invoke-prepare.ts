import { InvokeCommand, LambdaClient, type LambdaClientConfig } from '@aws-sdk/client-lambda';
import { z } from 'zod';
import type { Service } from './service.ts';

const functionName = 'prepare';

const errorSchema = z.looseObject({ errorMessage: z.string() });

/** Invokes the function `prepare` of a deployment, and returns its report. Throws an error with its message if it fails. */
export async function invokePrepare(
  { functions }: Pick<Service, 'functions'>,
  config: LambdaClientConfig,
): Promise<unknown> {
  const prepare = functions.find(({ name }) => name === functionName);
  if (!prepare) throw new Error(`serverless.yml has no function ${functionName}`);
  const client = new LambdaClient({
    ...config,
    // A second call would wait for the first one, which goes on.
    maxAttempts: 1,
    requestHandler: { socketTimeout: prepare.timeout * 1_000 },
  });
  try {
    const { FunctionError, Payload } = await client.send(
      new InvokeCommand({ FunctionName: prepare.lambdaName }),
    );
    const answer: unknown = JSON.parse(Buffer.from(Payload ?? []).toString() || 'null');
    if (FunctionError === undefined) return answer;
    const { data } = errorSchema.safeParse(answer);
    throw new Error(
      `The deployment is there, but not prepared. ${prepare.lambdaName}: ${data?.errorMessage ?? FunctionError}`,
    );
  } finally {
    client.destroy();
  }
}
