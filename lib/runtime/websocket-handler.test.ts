import { beforeAll, describe, expect, test } from '@jest/globals';
import type { Context } from 'aws-lambda';
import { z } from 'zod';
import { AppError } from './errors.ts';
import { logger } from './logger.ts';
import { connectHandler, disconnectHandler, messageHandler } from './websocket-handler.ts';

beforeAll(() => logger.setLogLevel('SILENT'));

const context: Context = {
  awsRequestId: '',
  callbackWaitsForEmptyEventLoop: false,
  functionName: '',
  functionVersion: '',
  getRemainingTimeInMillis: () => 1_000,
  invokedFunctionArn: '',
  logGroupName: '',
  logStreamName: '',
  memoryLimitInMB: '',
  done: () => {},
  fail: () => {},
  succeed: () => {},
};
const eventOf = (eventType: string, more: object = {}) => ({
  requestContext: { connectionId: 'c=', eventType },
  ...more,
});

describe('connectHandler', () => {
  test.each([
    ['nothing', async () => {}, 200],
    ['an AppError', async () => Promise.reject(new AppError('unauthenticated', 'no')), 401],
    ['another error', async () => Promise.reject(new TypeError('no')), 500],
  ])('answers when open throws %s', async (_, open, statusCode) => {
    const handler = connectHandler(open);
    expect(await handler(eventOf('CONNECT'), context)).toEqual({ statusCode });
  });

  test('passes the id and the query, which may be null', async () => {
    const seen: unknown[] = [];
    const handler = connectHandler(async (id, query) => {
      seen.push([id, query('ticket')]);
    });
    await handler(eventOf('CONNECT', { queryStringParameters: { ticket: 't' } }), context);
    await handler(eventOf('CONNECT', { queryStringParameters: null }), context);
    expect(seen).toEqual([
      ['c=', 't'],
      ['c=', undefined],
    ]);
  });
});

test('a message that names a route neither opens nor closes the connection', async () => {
  const never = async () => Promise.reject(new Error('called'));
  const statusCode = 200;
  expect(await connectHandler(never)(eventOf('MESSAGE'), context)).toEqual({ statusCode });
  expect(await disconnectHandler(never)(eventOf('MESSAGE'), context)).toEqual({ statusCode });
});

test('disconnectHandler never fails', async () => {
  const handler = disconnectHandler(async () => Promise.reject(new Error('away')));
  expect(await handler(eventOf('DISCONNECT'), context)).toEqual({ statusCode: 200 });
});

describe('messageHandler', () => {
  const handler = messageHandler(z.strictObject({ n: z.int() }), 100, async (_, { n }) => {
    if (n === 1) return { type: 'one' };
    if (n === 2) throw new AppError('forbidden', 'not two');
    if (n === 3) throw new Error('secret');
    return undefined;
  });
  const answerTo = async (body: unknown): Promise<unknown> => {
    const result = await handler(eventOf('MESSAGE', { body }), context);
    return result.body === undefined ? undefined : JSON.parse(result.body);
  };

  test.each<[string, unknown, unknown]>([
    ['an answer', '{"n":1}', { type: 'one' }],
    ['no answer', '{"n":0}', undefined],
    ['a refusal', '{"n":2}', { type: 'error', code: 'forbidden', message: 'not two' }],
    ['a wrong field', '{"n":"x"}', { type: 'error', code: 'invalid_request' }],
    ['no JSON', '{', { type: 'error', code: 'malformed_body' }],
    ['bytes', Buffer.from('{"n":1}'), { type: 'error', code: 'malformed_body' }],
    ['a long message', ' '.repeat(101), { type: 'error', code: 'too_large' }],
  ])('answers %s', async (_, body, expected) => {
    const answer = await answerTo(body);
    if (expected === undefined) expect(answer).toBeUndefined();
    else expect(answer).toMatchObject(Object(expected));
  });

  test('tells nothing of an error on our side', async () => {
    expect(JSON.stringify(await answerTo('{"n":3}'))).not.toContain('secret');
  });
});
