import { expect, test } from '@jest/globals';
import pg from 'pg';
import { Refusal } from '../runtime/errors.ts';
import { noteIfAlive } from '../sources/faults.ts';
import { faultOf, retryAfterSeconds } from './faults.ts';

const withCode = (code: string) => Object.assign(new Error('x'), { code });
/** As the server says it. */
const said = (code: string) => Object.assign(new pg.DatabaseError('x', 1, 'error'), { code });
const ofS3 = (name: string) => Object.assign(new Error('x'), { name, $metadata: {} });

test.each([
  ['57P01, the server shuts down', said('57P01'), 'source_unavailable', true],
  ['08006', said('08006'), 'source_unavailable', true],
  ['53300, too many connections', said('53300'), 'source_unavailable', true],
  ['ECONNREFUSED', withCode('ECONNREFUSED'), 'source_unavailable', true],
  [
    'ended in the middle',
    new Error('Connection terminated unexpectedly'),
    'source_unavailable',
    true,
  ],
  ['57014, statement timeout', said('57014'), 'source_timeout', false],
  ['28P01, another password', said('28P01'), 'source_unavailable', false],
  ['28000, no such role', said('28000'), 'source_unavailable', false],
  ['3D000, no such database', said('3D000'), 'source_unavailable', false],
  ['42P01, dropped', said('42P01'), 'dataset_changed', false],
  ['42501, revoked', said('42501'), 'source_error', false],
  ['22012, division by zero in a view', said('22012'), 'source_error', false],
  ['S3 503', ofS3('SlowDown'), 'storage_error', true],
  ['an S3 error we do not list', ofS3('SomethingNew'), 'storage_error', true],
  ['S3 away', Object.assign(ofS3('Error'), { code: 'ECONNRESET' }), 'storage_error', true],
  ['S3 refuses us', ofS3('AccessDenied'), 'storage_error', false],
  ['a dataset that is gone', new Refusal('refused_request', 'x'), 'dataset_changed', false],
  ['a replica that is behind', new Refusal('source_lagging', 'x'), 'source_lagging', true],
  ['anything else', new Error('x'), 'internal', true],
])('%s', (_name, error, code, retry) => {
  expect(faultOf(error, 'sales')).toMatchObject({ code, retry });
});

test.each([
  ['EPIPE', withCode('EPIPE')],
  ["the pool's patience", new Error('timeout exceeded when trying to connect')],
  ["the driver's patience", new Error('Connection terminated due to connection timeout')],
  ['a statement that is not answered', new Error('Query read timeout')],
])('%s is the connection', (_, error) => {
  expect(faultOf(error, 'sales')).toMatchObject({ code: 'source_unavailable', retry: true });
});

const alive = async () => undefined;
const lost = async () => {
  throw new Error('Connection terminated');
};
test.each([
  ['P0001', 'source_error', false],
  ['25006', 'source_error', false],
  ['53400', 'source_error', false],
  ['25P04', 'source_error', false],
  ['53200', 'source_unavailable', true],
  ['40001', 'source_unavailable', true],
  ['08006', 'source_unavailable', true],
  ['HV00N', 'source_unavailable', true],
  ['HV000', 'source_error', false],
  ['21000', 'source_error', false],
  ['23514', 'source_error', false],
  ['38000', 'source_error', false],
  ['39P03', 'source_error', false],
  ['54000', 'source_error', false],
  ['54001', 'source_error', false],
  ['55000', 'source_error', false],
  ['22021', 'source_error', false],
  ['XX001', 'source_error', false],
  ['42703', 'dataset_changed', false],
  ['28000', 'source_error', false],
  ['57P01', 'source_error', false],
  ['55P03', 'source_unavailable', true],
  ['57014', 'source_timeout', false],
  ['ABCDE', 'source_error', false],
])('%s on a connection that goes on is of the dataset', async (code, expected, retry) => {
  const error = said(code);
  await noteIfAlive(error, alive);
  expect(faultOf(error, 'sales')).toMatchObject({ code: expected, retry });
});

test.each(['08006', '57P01', '53300'])(
  '%s is the source, if the connection is lost',
  async (code) => {
    const error = said(code);
    await noteIfAlive(error, lost);
    expect(faultOf(error, 'sales')).toMatchObject({ code: 'source_unavailable', retry: true });
  },
);

test('a refused connection to each of several addresses is one', () => {
  const error = new AggregateError([withCode('ECONNREFUSED'), withCode('ECONNREFUSED')]);
  expect(faultOf(error, 'sales')).toMatchObject({ code: 'source_unavailable', retry: true });
});

test('the wait doubles with each retry, by up to half as much again, and is capped', () => {
  // The ranges do not overlap: whatever chance adds, a later wait is longer.
  for (const [retries, least] of [1, 2, 4, 8, 16].entries())
    for (let n = 0; n < 20; n++) {
      expect(retryAfterSeconds(retries)).toBeGreaterThanOrEqual(least);
      expect(retryAfterSeconds(retries)).toBeLessThanOrEqual(least * 1.5);
    }
  expect(retryAfterSeconds(50)).toBeGreaterThanOrEqual(16);
  expect(retryAfterSeconds(50)).toBeLessThanOrEqual(24);
});
