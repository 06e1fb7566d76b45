import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { z } from 'zod';

/** What the Runtime API got from a function: `initialised` at the first call for an event. */
export type Report =
  | { kind: 'initialised' }
  | { kind: 'init error' | 'error'; error: FunctionError }
  | { kind: 'response'; response: unknown };

const functionErrorSchema = z.object({
  errorType: z.string(),
  errorMessage: z.string(),
  trace: z.array(z.string()).default([]),
});
type FunctionError = z.output<typeof functionErrorSchema>;

export interface RuntimeApi {
  /** `127.0.0.1:port`, the value of AWS_LAMBDA_RUNTIME_API. */
  address: string;
  close: () => void;
}

interface Delivery {
  functionName: string;
  event: unknown;
  /** From the delivery to the deadline of the invocation. */
  remainingMs: number;
}

/**
 * Serves Lambda's Runtime API on the loopback interface for one invocation: the first call for an event gets it, the next
 * one waits until the end, as it does on AWS where no event follows.
 */
export async function serveRuntimeApi(
  { functionName, event, remainingMs }: Delivery,
  onReport: (report: Report) => void,
): Promise<RuntimeApi> {
  let isDelivered = false;
  function deliver(response: ServerResponse): void {
    if (isDelivered) return;
    isDelivered = true;
    onReport({ kind: 'initialised' });
    response.writeHead(200, {
      'Content-Type': 'application/json',
      'Lambda-Runtime-Aws-Request-Id': randomUUID(),
      'Lambda-Runtime-Deadline-Ms': String(Date.now() + remainingMs),
      'Lambda-Runtime-Invoked-Function-Arn': `arn:aws:lambda:eu-central-1:123456789012:function:${functionName}`,
      'Lambda-Runtime-Trace-Id': 'Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=0',
    });
    response.end(JSON.stringify(event));
  }
  async function receive(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body: unknown = JSON.parse(await text(request));
    if (request.url?.endsWith('/response')) onReport({ kind: 'response', response: body });
    else
      onReport({
        kind: request.url?.endsWith('/init/error') ? 'init error' : 'error',
        error: functionErrorSchema.parse(body),
      });
    response.writeHead(202).end();
  }
  const server = createServer((request, response) => {
    if (request.url?.endsWith('/invocation/next')) deliver(response);
    else receive(request, response).catch(() => response.destroy());
  });
  const { port } = await listening(server);
  return {
    address: `127.0.0.1:${port}`,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

async function listening(server: Server): Promise<AddressInfo> {
  const { promise, resolve, reject } = Promise.withResolvers<AddressInfo>();
  server.on('error', reject);
  server.listen(0, '127.0.0.1', () => {
    const address = server.address();
    if (typeof address === 'object' && address !== null) resolve(address);
    else reject(new Error('the server has no port'));
  });
  return promise;
}
