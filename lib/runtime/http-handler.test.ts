import { setTimeout } from 'node:timers/promises';
import { expect, test } from '@jest/globals';
import type { APIGatewayProxyEventV2, Context } from 'aws-lambda';
import { http } from './http.ts';

/** A call of an account: `X-Account` says whose. */
const eventOf = (account: string): APIGatewayProxyEventV2 => ({
  version: '2.0',
  routeKey: 'GET /',
  rawPath: '/',
  rawQueryString: '',
  headers: { 'x-account': account },
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

/** A function that answers when it is told to, and says who is being answered. */
function held(options?: { asksSources: boolean }) {
  const begun: string[] = [];
  const ends: (() => void)[] = [];
  const handler = http(
    async (header) => ({ id: header('x-account') ?? '' }),
    async ({ account }) => {
      begun.push(account.id);
      await new Promise<void>((resolve) => ends.push(resolve));
      return { status: 204 };
    },
    options,
  );
  const call = async (account: string) => handler(eventOf(account), context);
  return { begun, call, endAll: () => ends.splice(0).forEach((end) => end()) };
}

test('calls of an account are answered one by one, those of others and those that ask a source meanwhile', async () => {
  const [plain, asking] = [held(), held({ asksSources: true })];
  const calls = [plain.call('many'), plain.call('many'), plain.call('one'), asking.call('many')];
  await setTimeout(50);
  expect(plain.begun).toEqual(['many', 'one']);
  expect(asking.begun).toEqual(['many']);
  plain.endAll();
  await setTimeout(50);
  expect(plain.begun).toEqual(['many', 'one', 'many']);
  plain.endAll();
  asking.endAll();
  for (const answered of await Promise.all(calls))
    expect(answered).toMatchObject({ statusCode: 204 });
});

test('the next call does not wait for one that waits for long', async () => {
  const { begun, call, endAll } = held();
  const calls = [call('x'), call('x'), call('x')];
  await setTimeout(50);
  expect(begun).toHaveLength(1);
  // Two turns of half a second, and twice that for a machine that is busy.
  for (let n = 0; n < 200 && begun.length < 3; n++) await setTimeout(10);
  expect(begun).toHaveLength(3);
  endAll();
  await Promise.all(calls);
});
