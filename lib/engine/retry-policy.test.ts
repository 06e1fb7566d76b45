import { expect, test } from '@jest/globals';
import pg from 'pg';
import { AppError } from '../runtime/errors.ts';
import { noteIfAlive } from '../sources/source-errors.ts';
import { backoffSeconds, classifyError } from './retry-policy.ts';

function withCode(code: string) {
  return Object.assign(new Error('x'), { code });
}

/** An error that PostgreSQL sent. */
function serverError(code: string) {
  return Object.assign(new pg.DatabaseError('x', 1, 'error'), { code });
}

function s3Error(name: string) {
  return Object.assign(new Error('x'), { name, $metadata: {} });
}

test.each([
  ['57P01 (the server shuts down)', serverError('57P01'), 'source_unavailable', true],
  ['08006', serverError('08006'), 'source_unavailable', true],
  ['53300 (too many connections)', serverError('53300'), 'source_unavailable', true],
  ['ECONNREFUSED', withCode('ECONNREFUSED'), 'source_unavailable', true],
  [
    'a connection that ends during a statement',
    new Error('Connection terminated unexpectedly'),
    'source_unavailable',
    true,
  ],
  ['57014 (statement timeout)', serverError('57014'), 'source_timeout', false],
  ['28P01 (wrong password)', serverError('28P01'), 'source_unavailable', false],
  ['28000 (no such role)', serverError('28000'), 'source_unavailable', false],
  ['3D000 (no such database)', serverError('3D000'), 'source_unavailable', false],
  ['42P01 (dropped table)', serverError('42P01'), 'dataset_changed', false],
  ['42501 (revoked right)', serverError('42501'), 'source_error', false],
  ['22012 (division by zero in a view)', serverError('22012'), 'source_error', false],
  ['an S3 503', s3Error('SlowDown'), 'storage_error', true],
  ['an unlisted S3 error', s3Error('SomethingNew'), 'storage_error', true],
  [
    'a lost connection to S3',
    Object.assign(s3Error('Error'), { code: 'ECONNRESET' }),
    'storage_error',
    true,
  ],
  ['an S3 access error', s3Error('AccessDenied'), 'storage_error', false],
  ['a missing dataset', new AppError('invalid_request', 'x'), 'dataset_changed', false],
  ['a lagging replica', new AppError('source_lagging', 'x'), 'source_lagging', true],
  ['any other error', new Error('x'), 'internal', true],
])('classifyError classifies %s', (_name, error, code, retry) => {
  expect(classifyError(error, 'sales')).toMatchObject({ code, retry });
});

test.each([
  ['EPIPE', withCode('EPIPE')],
  ["the pool's timeout", new Error('timeout exceeded when trying to connect')],
  ["the driver's timeout", new Error('Connection terminated due to connection timeout')],
  ['a query timeout of the driver', new Error('Query read timeout')],
])('classifyError reports %s as an unavailable source', (_, error) => {
  expect(classifyError(error, 'sales')).toMatchObject({ code: 'source_unavailable', retry: true });
});

async function answer() {
  return undefined;
}

async function loseConnection() {
  throw new Error('Connection terminated');
}

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
])('classifyError reports %s as %s if the connection is alive', async (code, expected, retry) => {
  const error = serverError(code);
  await noteIfAlive(error, answer);
  expect(classifyError(error, 'sales')).toMatchObject({ code: expected, retry });
});

test.each(['08006', '57P01', '53300'])(
  'classifyError reports %s as an unavailable source if the connection is lost',
  async (code) => {
    const error = serverError(code);
    await noteIfAlive(error, loseConnection);
    expect(classifyError(error, 'sales')).toMatchObject({
      code: 'source_unavailable',
      retry: true,
    });
  },
);

test('classifyError reports refused connections to all addresses as an unavailable source', () => {
  const error = new AggregateError([withCode('ECONNREFUSED'), withCode('ECONNREFUSED')]);
  expect(classifyError(error, 'sales')).toMatchObject({ code: 'source_unavailable', retry: true });
});

test('backoffSeconds doubles with each retry up to 16 s and adds at most half', () => {
  // The ranges do not overlap, so a later wait is always longer.
  for (const [retries, minSeconds] of [1, 2, 4, 8, 16].entries())
    for (let n = 0; n < 20; n++) {
      expect(backoffSeconds(retries)).toBeGreaterThanOrEqual(minSeconds);
      expect(backoffSeconds(retries)).toBeLessThanOrEqual(minSeconds * 1.5);
    }
  expect(backoffSeconds(50)).toBeGreaterThanOrEqual(16);
  expect(backoffSeconds(50)).toBeLessThanOrEqual(24);
});
