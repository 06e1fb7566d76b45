import { createHmac } from 'node:crypto';
import { request } from 'node:http';
import { GetObjectCommand, HeadBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { createExport, download, ended, monthOfOrders } from '../support/api.ts';
import { sql, stack } from '../support/stack.ts';
import { storageClient } from '../support/storage.ts';

const { endpoint, bucket } = stack.s3;
const s3 = storageClient();
let exportId = '';
let key = '';

beforeAll(async () => {
  exportId = (await createExport(monthOfOrders)).id;
  await ended(exportId);
  const [row] = await sql<{ object_key: string }>(
    stack.postgres.catalogue,
    'select object_key from exports where id = $1',
    [exportId],
  );
  key = row?.object_key ?? '';
});

interface Answer {
  status: number;
  text: string;
  headers: NodeJS.Dict<string | string[]>;
}

/** Sends a request with any Host header, which fetch does not allow. */
function ask(
  path: string,
  {
    method = 'GET',
    headers = {},
    body = '',
  }: { method?: string; headers?: Record<string, string>; body?: string } = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = request(endpoint + path, { method, headers }, (answer) => {
      let text = '';
      answer.on('data', (chunk) => (text += String(chunk)));
      answer.on('end', () =>
        resolve({ status: answer.statusCode ?? 0, text, headers: answer.headers }),
      );
    });
    sent.on('error', reject);
    sent.end(body);
  });
}

/** Returns the path and query of a signed GET of the object. */
async function signed(): Promise<string> {
  const command = new GetObjectCommand({ Bucket: bucket, Key: key });
  const url = new URL(await getSignedUrl(s3, command, { expiresIn: 60 }));
  return url.pathname + url.search;
}

describe('callers of the object storage', () => {
  const evil = { origin: 'http://evil.example' };

  test.each([
    ['a list', 'GET', () => `/${bucket}?list-type=2`],
    ['an object', 'GET', () => `/${bucket}/${key}`],
    ['an overwrite', 'PUT', () => `/${bucket}/${key}`],
    ['a delete', 'DELETE', () => `/${bucket}/${key}`],
    ['a form upload', 'POST', () => `/${bucket}`],
    ['a preflight', 'OPTIONS', () => `/${bucket}/${key}`],
    ['the diagnosis of LocalStack', 'GET', () => '/_localstack/diagnose'],
  ])('the storage rejects %s without a signature', async (_, method, path) => {
    for (const headers of [{}, evil]) {
      const answer = await ask(path(), { method, headers, body: method === 'GET' ? '' : 'FORGED' });
      expect([answer.status, answer.text.match(/<Code>(.*)<\/Code>/)?.[1]]).toEqual([
        403,
        'AccessDenied',
      ]);
      expect(answer.headers['access-control-allow-origin']).toBeUndefined();
    }
  });

  test('the storage rejects a browser, with or without a signature', async () => {
    const path = await signed();
    expect((await ask(path)).status).toBe(200);
    for (const headers of [evil, { origin: 'null' }, { 'sec-fetch-site': 'cross-site' }])
      expect((await ask(path, { headers })).status).toBe(403);
    expect((await ask('/_localstack/health', { headers: evil })).status).toBe(403);
  });

  test('the storage rejects a Host that is not a name of the machine', async () => {
    const { port } = new URL(endpoint);
    for (const host of [`evil.example:${port}`, 'evil.example', `127.0.0.1.evil.example:${port}`])
      expect((await ask('/_localstack/health', { headers: { host } })).status).toBe(403);
    for (const host of [`localhost:${port}`, `127.0.0.1:${port}`, `[::1]:${port}`])
      expect((await ask('/_localstack/health', { headers: { host } })).status).toBe(200);
  });

  test('the storage rejects a signature of another request or key', async () => {
    const path = await signed();
    expect((await ask(path.replace(key, `${key}x`))).status).toBe(403);
    expect((await ask(path, { method: 'DELETE' })).status).toBe(403);
    const forged = createHmac('sha256', 'another').update(path).digest('hex');
    expect((await ask(path.replace(/[0-9a-f]{64}(?=&|$)/, forged))).status).toBe(403);
    const others = new S3Client({
      endpoint,
      region: 'us-east-1',
      forcePathStyle: true,
      maxAttempts: 1,
      credentials: { accessKeyId: 'test', secretAccessKey: 'another' },
    });
    await expect(others.send(new HeadBucketCommand({ Bucket: bucket }))).rejects.toMatchObject({
      $metadata: { httpStatusCode: 403 },
    });
    await expect(s3.send(new HeadBucketCommand({ Bucket: bucket }))).resolves.toBeDefined();
  });
});

test('NGINX can read the object', async () => {
  expect((await download(exportId)).status).toBe(200);
});
