import { randomBytes, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { openHome } from '../../infra/local/home/home.ts';
import { applyStackEnvironment, findRunningStack } from '../../infra/local/home/running-stack.ts';
import { deleteObjectAndUploads, findObject, s3 } from '../../lib/storage/s3.ts';
import { completeUpload, createUpload, uploadPart } from '../../lib/storage/upload.ts';
import { home } from '../support/stack.ts';

const key = `files/${randomUUID()}`;
const deadline = AbortSignal.timeout(60_000);
/** Changes a part after it is signed, as a fault on its way would. */
let damage = (body: Buffer): Buffer => body;
const sent: string[] = [];

beforeAll(() => {
  const opened = openHome({ STREAMSYNC_HOME: home() });
  const running = findRunningStack(opened);
  if (!running) throw new Error('the stack is not running');
  applyStackEnvironment(opened, running);
  s3().middlewareStack.add(
    <Args extends { request?: unknown }, Result>(next: (args: Args) => Promise<Result>) =>
      (args: Args) => {
        const { request } = args;
        if (isPart(request)) {
          sent.push(request.headers['x-amz-content-sha256'] ?? '');
          request.body = damage(request.body);
        }
        return next(args);
      },
    // After the signature and the retries, right before it is sent.
    { step: 'deserialize', priority: 'low' },
  );
});
afterAll(async () => {
  await deleteObjectAndUploads(key);
  s3().destroy();
});

interface Part {
  headers: Record<string, string>;
  body: Buffer;
}
const isPart = (request: unknown): request is Part =>
  typeof request === 'object' &&
  request !== null &&
  'headers' in request &&
  'body' in request &&
  Buffer.isBuffer(request.body);

test('the storage refuses a part that was changed after its request was signed, without its SHA-256', async () => {
  const upload = await createUpload(key, 'text/plain');
  const body = randomBytes(100_000);
  damage = (part) => {
    const changed = Buffer.from(part);
    changed.writeUInt8(changed.readUInt8(50_000) ^ 1, 50_000);
    return changed;
  };
  await expect(uploadPart(upload, 1, body, deadline)).rejects.toMatchObject({
    $metadata: { httpStatusCode: 400 },
  });
  damage = (part) => part;
  const part = await uploadPart(upload, 1, body, deadline);
  await completeUpload(upload, [part]);
  expect(await findObject(key)).toMatchObject({ bytes: body.length });
  expect(new Set(sent)).toEqual(new Set(['UNSIGNED-PAYLOAD']));
});
