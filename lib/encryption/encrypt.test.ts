import { randomBytes } from 'node:crypto';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { Decrypter, generateX25519Identity, identityToRecipient } from 'age-encryption';
import { encryptFor, encryptPayload } from './encrypt.ts';
import { chunkBytes, payloadNonceBytes, tagBytes } from './payload.ts';
import { type AgeVector, ageVectors } from './testing/vectors.ts';

let identities: string[] = [];
let recipients: string[] = [];
beforeAll(async () => {
  identities = await Promise.all([generateX25519Identity(), generateX25519Identity()]);
  recipients = await Promise.all(identities.map((identity) => identityToRecipient(identity)));
});

/** Yields some bytes in chunks of one buffer, which is overwritten when the next one is requested. */
async function* inChunks(bytes: Buffer, size: number): AsyncGenerator<Buffer> {
  const reused = Buffer.alloc(size);
  for (let at = 0; at < bytes.length; at += size) {
    yield reused.subarray(0, bytes.copy(reused, 0, at, at + size));
    reused.fill(0xff);
  }
}

async function collect(chunks: AsyncIterable<Buffer>): Promise<Buffer> {
  const all: Buffer[] = [];
  for await (const chunk of chunks) all.push(chunk);
  return Buffer.concat(all);
}

async function decrypt(file: Buffer, identity: string | undefined): Promise<Buffer> {
  const decrypter = new Decrypter();
  decrypter.addIdentity(identity ?? '');
  return Buffer.from(await decrypter.decrypt(new Uint8Array(file)));
}

const sizes = [0, 1, 2, 5].flatMap((chunks) =>
  [-1, 0, 1, 777].map((more) => chunks * chunkBytes + more).filter((size) => size >= 0),
);

test.each(sizes)(
  'each recipient decrypts a file of %i bytes, wherever it was cut',
  async (size) => {
    const content = randomBytes(size);
    for (const cut of [1_000, chunkBytes + 1]) {
      const file = await collect(encryptFor(recipients, inChunks(content, cut)));
      for (const identity of identities)
        expect((await decrypt(file, identity)).equals(content)).toBe(true);
      const header = file.subarray(0, file.indexOf('\n', file.indexOf('\n--- ') + 1) + 1);
      const chunks = Math.max(1, Math.ceil(size / chunkBytes));
      expect(file.length - header.length).toBe(payloadNonceBytes + size + chunks * tagBytes);
      expect(header.toString().match(/^-> X25519 /gm)).toHaveLength(recipients.length);
    }
  },
);

test('another identity decrypts nothing, and two files of the same content differ', async () => {
  const content = Buffer.alloc(3 * chunkBytes);
  const files = [
    await collect(encryptFor(recipients, inChunks(content, 50_000))),
    await collect(encryptFor(recipients, inChunks(content, 50_000))),
  ] as const;
  await expect(decrypt(files[0], await generateX25519Identity())).rejects.toThrow('no identity');
  const parts = files.map((file) => file.subarray(-2 * chunkBytes).toString('base64'));
  expect(parts[0] === parts[1]).toBe(false);
  const keys = files.map((file) => file.toString('latin1').match(/^-> X25519 .+$/gm) ?? []).flat();
  expect(new Set(keys).size).toBe(4);
});

test('a file that is cut, or has a changed bit or chunks in another order, cannot be decrypted', async () => {
  const content = randomBytes(3 * chunkBytes + 100);
  const file = await collect(encryptFor(recipients, inChunks(content, 70_000)));
  const start = file.indexOf('\n', file.indexOf('\n--- ') + 1) + 1 + payloadNonceBytes;
  const step = chunkBytes + tagBytes;
  const cuts = [start, start + 1, start + step, start + 2 * step, file.length - 1, 10];
  for (const cut of cuts)
    await expect(decrypt(file.subarray(0, cut), identities[0])).rejects.toThrow();
  for (const at of [30, start - 1, start, start + step - 1, start + step, file.length - 1]) {
    const flipped = Buffer.from(file);
    flipped[at] = (flipped[at] ?? 0) ^ 1;
    await expect(decrypt(flipped, identities[0])).rejects.toThrow();
  }
  const swapped = Buffer.concat([
    file.subarray(0, start),
    file.subarray(start + step, start + 2 * step),
    file.subarray(start, start + step),
    file.subarray(start + 2 * step),
  ]);
  await expect(decrypt(swapped, identities[0])).rejects.toThrow();
});

test('a file has no last chunk if its content cannot be read to the end', async () => {
  async function* broken(): AsyncGenerator<Buffer> {
    yield randomBytes(chunkBytes + 1);
    throw new Error('the source is gone');
  }
  const read: Buffer[] = [];
  const reading = async () => {
    for await (const chunk of encryptFor(recipients, broken())) read.push(chunk);
  };
  await expect(reading()).rejects.toThrow('the source is gone');
  await expect(decrypt(Buffer.concat(read), identities[0])).rejects.toThrow();
});

describe('the test vectors of age (C2SP/CCTV)', () => {
  const vectors = ageVectors().filter(({ expected }) => expected === 'success');

  test.each(vectors)('encryptPayload makes the payload of $name', async (vector: AgeVector) => {
    const { file, identity, fileKey } = vector;
    const start = file.indexOf('\n', file.indexOf('\n--- ') + 1) + 1;
    const nonce = file.subarray(start, start + payloadNonceBytes);
    const content = inChunks(await decrypt(file, identity), 100_000);
    const payload = await collect(encryptPayload(fileKey, nonce, content));
    expect(payload.equals(file.subarray(start))).toBe(true);
  });

  test('there are files of one chunk, of several, and of 258', () => {
    const names = vectors.map(({ name }) => name);
    expect(names).toEqual(
      expect.arrayContaining([
        'x25519',
        'stream_empty_payload',
        'stream_last_chunk_full',
        'stream_three_chunks',
        'stream_258_chunks',
      ]),
    );
  });
});
