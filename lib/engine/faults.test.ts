import { expect, test } from '@jest/globals';
import { Refusal } from '../runtime/errors.ts';
import { faultOf, retryAfterSeconds } from './faults.ts';

const withCode = (code: string) => Object.assign(new Error('x'), { code });
const ofS3 = (name: string) => Object.assign(new Error('x'), { name, $metadata: {} });

test.each([
  ['57P01, the server shuts down', withCode('57P01'), 'source_unavailable', true],
  ['08006', withCode('08006'), 'source_unavailable', true],
  ['53300, too many connections', withCode('53300'), 'source_unavailable', true],
  ['ECONNREFUSED', withCode('ECONNREFUSED'), 'source_unavailable', true],
  [
    'ended in the middle',
    new Error('Connection terminated unexpectedly'),
    'source_unavailable',
    true,
  ],
  ['57014, statement timeout', withCode('57014'), 'source_timeout', false],
  ['28P01, another password', withCode('28P01'), 'source_unavailable', false],
  ['28000, no such role', withCode('28000'), 'source_unavailable', false],
  ['3D000, no such database', withCode('3D000'), 'source_unavailable', false],
  ['42P01, dropped', withCode('42P01'), 'dataset_changed', false],
  ['42501, revoked', withCode('42501'), 'source_error', false],
  ['22012, division by zero in a view', withCode('22012'), 'source_error', false],
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
