/**
 * Events as AWS sends them to each kind of function, also with what the local stack's events never have (a body in
 * base64, absent fields, cookies in a list of their own), partitions mixed in a batch, signed bytes in headers.
 *
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
 * https://docs.aws.amazon.com/lambda/latest/dg/with-msk.html
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-websocket-api-mapping-template-reference.html
 * https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-rule-schedule.html
 */
import { deploymentVariables } from './deployment.ts';

const account = '123456789012';
const region = 'eu-central-1';
const base64 = (text: string): string => Buffer.from(text).toString('base64');

/**
 * A request of an HTTP API, payload 2.0. A body without a content type arrives in base64. API Gateway leaves out what a
 * request does not have: a query, path parameters, cookies, a body.
 *
 * @param routeKey `GET /api/v1/exports/{id}`, or `$default`
 */
export function httpEvent(routeKey: string, parameters: Record<string, string> = {}): object {
  const [method = 'GET', route = '/nowhere'] = routeKey === '$default' ? [] : routeKey.split(' ');
  const rawPath = route.replace(/\{(\w+)\}/g, (_, name: string) => parameters[name] ?? '');
  return {
    version: '2.0',
    routeKey,
    rawPath,
    rawQueryString: '',
    cookies: ['theme=dark', 'ss_dl=1234'],
    headers: {
      accept: '*/*',
      'content-length': '2',
      host: 'api.example.com',
      'user-agent': 'curl/8.5.0',
      'x-door-secret': deploymentVariables.STREAMSYNC_DOOR_SECRET,
      'x-amzn-trace-id': 'Root=1-5759e988-bd862e3fe1be46a994272793',
      'x-api-key': 'ss_key_not_known_here',
      'x-forwarded-for': '203.0.113.7',
      'x-forwarded-port': '443',
      'x-forwarded-proto': 'https',
    },
    requestContext: {
      accountId: account,
      apiId: 'a1b2c3d4e5',
      domainName: 'api.example.com',
      domainPrefix: 'api',
      http: {
        method,
        path: rawPath,
        protocol: 'HTTP/1.1',
        sourceIp: '203.0.113.7',
        userAgent: 'curl/8.5.0',
      },
      requestId: 'JKJaXmPLvHcESHA=',
      routeKey,
      stage: '$default',
      time: '12/Mar/2026:19:03:58 +0000',
      timeEpoch: 1_773_342_238_000,
    },
    ...(Object.keys(parameters).length > 0 && { pathParameters: parameters }),
    ...(method !== 'GET' && { body: base64('{}') }),
    isBase64Encoded: method !== 'GET',
  };
}

const record = (topic: string, partition: number, offset: number, value?: string): object => ({
  topic,
  partition,
  offset,
  timestamp: 1_773_342_238_000 + offset,
  timestampType: 'CREATE_TIME',
  key: base64(`key-${partition}`),
  // A tombstone has no value.
  ...(value !== undefined && { value: base64(value) }),
  headers: [
    { 'content-type': [...Buffer.from('application/json')] },
    // A name may be repeated, and bytes of 128 and more arrive as negative numbers: é in UTF-8.
    { trace: [...Buffer.from('first')] },
    { trace: [-61, -87] },
  ],
});

/** A batch of an event source mapping of MSK: two partitions, and a record without a value. */
export function kafkaEvent(topic: string, value: object): object {
  const text = JSON.stringify(value);
  return {
    eventSource: 'aws:kafka',
    eventSourceArn: `arn:aws:kafka:${region}:${account}:cluster/streamsync/751d2973-a626-431c-9d4e-d7975eb44dd7-2`,
    bootstrapServers:
      'b-2.streamsync.a1b2c3.c2.kafka.eu-central-1.amazonaws.com:9092,b-1.streamsync.a1b2c3.c2.kafka.eu-central-1.amazonaws.com:9092',
    records: {
      [`${topic}-1`]: [record(topic, 1, 40, text), record(topic, 1, 41)],
      [`${topic}-0`]: [record(topic, 0, 15, text)],
    },
  };
}

/** An event of a rule of EventBridge with a rate. */
export const scheduledEvent = (): object => ({
  version: '0',
  id: '53dc4d37-cffa-4f76-80c9-8b7d4a4d2eaa',
  'detail-type': 'Scheduled Event',
  source: 'aws.events',
  account,
  time: '2026-03-12T19:04:00Z',
  region,
  resources: [`arn:aws:events:${region}:${account}:rule/streamsync-prod-SweepEventsRuleSchedule1`],
  detail: {},
});

const socket = (routeKey: string, eventType: string): object => ({
  routeKey,
  eventType,
  extendedRequestId: 'Z1aQeHpMliAFxIA=',
  requestTime: '12/Mar/2026:19:03:58 +0000',
  messageDirection: 'IN',
  stage: 'prod',
  connectedAt: 1_773_342_230_000,
  requestTimeEpoch: 1_773_342_238_000,
  identity: { sourceIp: '203.0.113.7' },
  requestId: 'Z1aQeHpMliAFxIA=',
  domainName: 'live.example.com',
  connectionId: 'Z1aQcc1NliACEaQ=',
  apiId: 'f6g7h8i9j0',
});

/** An event of a WebSocket API: a new connection, a message of a client, the end of a connection. */
export function socketEvent(route: '$connect' | '$default' | '$disconnect'): object {
  switch (route) {
    case '$connect':
      return {
        headers: { Host: 'live.example.com', 'Sec-WebSocket-Version': '13' },
        multiValueHeaders: { Host: ['live.example.com'], 'Sec-WebSocket-Version': ['13'] },
        queryStringParameters: { ticket: 'not-known-here' },
        multiValueQueryStringParameters: { ticket: ['not-known-here'] },
        requestContext: socket(route, 'CONNECT'),
        isBase64Encoded: false,
      };
    case '$default':
      return {
        requestContext: { ...socket(route, 'MESSAGE'), messageId: 'Z1aQedpMliACEaQ=' },
        body: '{"action":"ping"}',
        isBase64Encoded: false,
      };
    case '$disconnect':
      return {
        headers: { Host: 'live.example.com', 'x-api-key': '' },
        multiValueHeaders: { Host: ['live.example.com'], 'x-api-key': [''] },
        requestContext: {
          ...socket(route, 'DISCONNECT'),
          disconnectStatusCode: 1001,
          disconnectReason: 'Going away',
        },
        isBase64Encoded: false,
      };
    default:
      return route satisfies never;
  }
}
