/**
 * Lets AWS's runtime client run where its native part is not built: `node --import …/http-client.ts` loads this module in
 * place of `rapid-client.node`, which has these three functions. All else of the runtime client is as it is on AWS: how
 * it finds and loads a handler, what it makes of the event, of the result and of errors.
 *
 * The protocol: https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
 */
import { registerHooks } from 'node:module';

registerHooks({
  resolve: (specifier, context, nextResolve) =>
    specifier === './rapid-client.node'
      ? { url: import.meta.url, format: 'module-typescript', shortCircuit: true }
      : nextResolve(specifier, context),
});

const api = `http://${process.env.AWS_LAMBDA_RUNTIME_API}/2018-06-01/runtime/invocation`;

/** The native functions for answers return once the answer is sent; `next` waits for that here. */
let sent: Promise<unknown> = Promise.resolve();

function post(path: string, body: string, headers: Record<string, string> = {}): void {
  sent = fetch(`${api}/${path}`, { method: 'POST', body, headers });
}

export async function next(): Promise<{ bodyJson: string; headers: Record<string, string> }> {
  await sent;
  const response = await fetch(`${api}/next`);
  return { bodyJson: await response.text(), headers: Object.fromEntries(response.headers) };
}

export const done = (id: string, body: string): void => post(`${id}/response`, body);

export const error = (id: string, body: string, xRayCause: string): void =>
  post(`${id}/error`, body, { 'Lambda-Runtime-Function-XRay-Error-Cause': xRayCause });
