import { createServer } from 'node:http';
import { text } from 'node:stream/consumers';
import { type Invocation, invoke } from './invoke.ts';

export interface LambdaApi {
  endpoint: string;
  close: () => void;
}

/**
 * Serves Lambda's API for one function, which AWS's runtime client runs: each call starts it.
 *
 * https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html
 */
export async function serveLambdaApi(invocation: Omit<Invocation, 'event'>): Promise<LambdaApi> {
  const path = `/2015-03-31/functions/${invocation.functionName}/invocations`;
  const server = createServer((request, response) => {
    void (async () => {
      if (request.method !== 'POST' || request.url !== path) return response.writeHead(404).end();
      const body = await text(request);
      const event: unknown = body === '' ? {} : JSON.parse(body);
      const { report, log } = await invoke({ ...invocation, event });
      if (report?.kind === 'response') return response.end(JSON.stringify(report.response));
      response.setHeader('x-amz-function-error', 'Unhandled');
      const error = report && 'error' in report ? report.error : { errorMessage: `ended: ${log}` };
      return response.end(JSON.stringify(error));
    })();
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('it listens on no port');
  return {
    endpoint: `http://127.0.0.1:${address.port}`,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}
