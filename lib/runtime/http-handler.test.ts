import { readFileSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { parseEnv } from 'node:util';
import { expect, test } from '@jest/globals';
import type { APIGatewayProxyEventV2, Context } from 'aws-lambda';
import { httpHandler } from './http-handler.ts';

const doorSecret = 's'.repeat(43);
Object.assign(process.env, parseEnv(readFileSync('.env.example', 'utf8')), {
  STREAMSYNC_DOOR_SECRET: doorSecret,
});

/** Returns a call of an account, which the header `X-Account` names. */
const eventOf = (account: string): APIGatewayProxyEventV2 => ({
  version: '2.0',
  routeKey: 'GET /',
  rawPath: '/',
  rawQueryString: '',
  headers: { 'x-account': account, 'x-door-secret': doorSecret },
  isBase64Encoded: false,
  requestContext: {
    accountId: '',
    apiId: '',
    domainName: '',
    domainPrefix: '',
    http: { method: 'GET', path: '/', protocol: 'HTTP/1.1', sourceIp: '127.0.0.1', userAgent: '' },
    requestId: 'a-request',
    routeKey: 'GET /',
    stage: '',
    time: '',
    timeEpoch: 0,
  },
});

const context: Context = {
  callbackWaitsForEmptyEventLoop: false,
  functionName: '',
  functionVersion: '',
  invokedFunctionArn: '',
  memoryLimitInMB: '',
  awsRequestId: '',
  logGroupName: '',
  logStreamName: '',
  getRemainingTimeInMillis: () => 30_000,
  done: () => {},
  fail: () => {},
  succeed: () => {},
};

/** Returns a function that answers when `answerAll` is called, and the accounts whose calls have started. */
function createHeldFunction(options?: { asksSources: boolean }) {
  const started: string[] = [];
  const answers: (() => void)[] = [];
  const handler = httpHandler(
    async (header) => ({ id: header('x-account') ?? '' }),
    async ({ account }) => {
      started.push(account.id);
      await new Promise<void>((resolve) => answers.push(resolve));
      return { status: 204 };
    },
    options,
  );
  const call = async (account: string) => handler(eventOf(account), context);
  return { started, call, answerAll: () => answers.splice(0).forEach((answer) => answer()) };
}

test('httpHandler answers calls of one account in sequence, other accounts and source queries in parallel', async () => {
  const [plain, querying] = [createHeldFunction(), createHeldFunction({ asksSources: true })];
  const calls = [plain.call('many'), plain.call('many'), plain.call('one'), querying.call('many')];
  await setTimeout(50);
  expect(plain.started).toEqual(['many', 'one']);
  expect(querying.started).toEqual(['many']);
  plain.answerAll();
  await setTimeout(50);
  expect(plain.started).toEqual(['many', 'one', 'many']);
  plain.answerAll();
  querying.answerAll();
  for (const response of await Promise.all(calls))
    expect(response).toMatchObject({ statusCode: 204 });
});

test('httpHandler starts the next call of an account when the first one takes long', async () => {
  const { started, call, answerAll } = createHeldFunction();
  const calls = [call('x'), call('x'), call('x')];
  await setTimeout(50);
  expect(started).toHaveLength(1);
  // Two turns of 500 ms each, and as much again for a busy machine.
  for (let n = 0; n < 200 && started.length < 3; n++) await setTimeout(10);
  expect(started).toHaveLength(3);
  answerAll();
  await Promise.all(calls);
});

test('httpHandler answers 503 as a problem before Lambda ends the function', async () => {
  const handler = httpHandler(
    async () => null,
    async () => {
      await setTimeout(10_000, undefined, { ref: false });
      return { status: 204 };
    },
  );
  const result = await handler(eventOf('slow'), {
    ...context,
    getRemainingTimeInMillis: () => 700,
  });
  expect(result).toMatchObject({
    statusCode: 503,
    headers: { 'content-type': 'application/problem+json', 'retry-after': '5' },
  });
  expect(JSON.parse(result.body ?? '')).toMatchObject({ code: 'unavailable' });
});

test('httpHandler answers 404 to a request that NGINX did not send, before it looks at credentials', async () => {
  let authentications = 0;
  const handler = httpHandler(
    async () => authentications++,
    async () => ({ status: 204 }),
  );
  const event = eventOf('anyone');
  expect(await handler(event, context)).toMatchObject({ statusCode: 204 });
  for (const sent of [{}, { 'x-door-secret': `${doorSecret}s` }]) {
    const result = await handler({ ...event, headers: sent }, context);
    expect(result.statusCode).toBe(404);
    expect(JSON.parse(result.body ?? '')).toMatchObject({ code: 'not_found' });
  }
  expect(authentications).toBe(1);
});
