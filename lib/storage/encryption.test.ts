import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import { afterAll, beforeAll, expect, test } from '@jest/globals';

const requests: IncomingMessage[] = [];
/** A storage that starts every upload, and keeps the requests. */
const storage = createServer((request, response) => {
  requests.push(request);
  request
    .resume()
    .on('end', () =>
      response
        .writeHead(200, { 'content-type': 'application/xml' })
        .end(
          `<InitiateMultipartUploadResult><UploadId>1</UploadId></InitiateMultipartUploadResult>`,
        ),
    );
});

beforeAll(async () => {
  storage.listen(0, '127.0.0.1');
  await once(storage, 'listening');
  const address = storage.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  Object.assign(process.env, {
    STREAMSYNC_URL: 'https://streamsync.example',
    STREAMSYNC_CATALOGUE_URL: 'postgres://user@127.0.0.1:1/none',
    STREAMSYNC_SOURCES: '{}',
    STREAMSYNC_KAFKA_BROKERS: '127.0.0.1:1',
    STREAMSYNC_S3_ENDPOINT: `http://127.0.0.1:${address.port}`,
    STREAMSYNC_S3_BUCKET: 'none',
    STREAMSYNC_S3_KMS_KEY: 'alias/exports',
    STREAMSYNC_TOKEN_SECRET: 't'.repeat(43),
    STREAMSYNC_DOOR_SECRET: 'd'.repeat(43),
    STREAMSYNC_SIGNING_KEYS: JSON.stringify({
      keys: [
        {
          kty: 'OKP',
          crv: 'Ed25519',
          kid: 'test',
          x: 'EBa6OzgfhTRcMgfLdqAaWMS3cffsY41HlEEspTrT1So',
          d: 'vKl7D5-z0ibNEAD_gJ468SWLpQreQ5Sy0xzKO34Y69c',
        },
      ],
    }),
    AWS_ACCESS_KEY_ID: 'test',
    AWS_SECRET_ACCESS_KEY: 'test',
  });
});
afterAll(() => {
  storage.close();
});

test('with a key of KMS every upload asks for it', async () => {
  const { createUpload } = await import('./upload.ts');
  expect(await createUpload('exports/x', 'text/csv')).toEqual({ key: 'exports/x', uploadId: '1' });
  expect(requests.map(({ method, headers }) => [method, headers])).toEqual([
    [
      'POST',
      expect.objectContaining({
        'x-amz-server-side-encryption': 'aws:kms',
        'x-amz-server-side-encryption-aws-kms-key-id': 'alias/exports',
      }),
    ],
  ]);
  const { s3 } = await import('./s3.ts');
  s3().destroy();
});
