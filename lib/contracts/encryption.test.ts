import { expect, test } from '@jest/globals';
import { bech32 } from '@scure/base';
import {
  Encrypter,
  generateHybridIdentity,
  generateX25519Identity,
  identityToRecipient,
} from 'age-encryption';
import { encryptionSchema } from './encryption.ts';
import { exportRequestSchema } from './export-request.ts';
import { sizes } from './sizes.ts';

const newRecipient = async (): Promise<string> =>
  identityToRecipient(await generateX25519Identity());

/** A recipient of the specification of age. */
const known = 'age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj';

/** Returns each wrong field with its message. */
function issuesOf(schema: typeof encryptionSchema | typeof exportRequestSchema, value: object) {
  const read = schema.safeParse(value);
  return read.success
    ? {}
    : Object.fromEntries(
        read.error.issues.map(({ path, message }) => [path.join('.'), message] as const),
      );
}

const keyOf = (bytes: Uint8Array): string => bech32.encodeFromBytes('age', bytes);
const mustBe = (number: number) =>
  expect.stringMatching(`^must be X25519 recipients of age.*number ${number} is not$`);

test('encryptionSchema accepts what the library encrypts for', async () => {
  const recipients = [known, ...(await Promise.all([newRecipient(), newRecipient()]))];
  expect(encryptionSchema.parse({ recipients })).toEqual({ recipients });
  const encrypter = new Encrypter();
  for (const recipient of recipients) encrypter.addRecipient(recipient);
  await expect(encrypter.encrypt('')).resolves.toBeInstanceOf(Uint8Array);
});

test.each([
  ['no key', ''],
  ['a checksum that is wrong', `${known.slice(0, -1)}q`],
  ['a character that is not of Bech32', known.replace('z', 'b')],
  ['capitals', known.toUpperCase()],
  ['white space at its end', `${known}\n`],
  ['a key that is too short', keyOf(new Uint8Array(31))],
  ['a key that is too long', keyOf(new Uint8Array(33))],
  ['another prefix', bech32.encodeFromBytes('agx', new Uint8Array(32).fill(9))],
  ['a key of low order, 0', keyOf(new Uint8Array(32))],
  ['a key of low order, 1', keyOf(new Uint8Array(32).fill(1, 0, 1))],
  [
    'an SSH key',
    'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGMhAhmLHYJyHYpkWDWUjoFMZzXlBtNIfFdYJGQWbAjF',
  ],
])('encryptionSchema rejects %s', (_, recipient) => {
  expect(issuesOf(encryptionSchema, { recipients: [known, recipient] })).toEqual({
    'recipients.1': mustBe(2),
  });
});

test('encryptionSchema rejects an identity, which is secret, without repeating it, and a post-quantum recipient', async () => {
  const identity = await generateX25519Identity();
  const hybrid = await identityToRecipient(await generateHybridIdentity());
  const issues = issuesOf(encryptionSchema, { recipients: [identity] });
  expect(issues).toEqual({ 'recipients.0': mustBe(1) });
  expect(JSON.stringify(issues)).not.toContain(identity.slice(20));
  expect(issuesOf(encryptionSchema, { recipients: [known, hybrid] })).toEqual({
    'recipients.1': mustBe(2),
  });
});

test('encryptionSchema limits the number of recipients', async () => {
  const many = await Promise.all(Array.from({ length: sizes.recipients + 1 }, newRecipient));
  expect(issuesOf(encryptionSchema, { recipients: many.slice(1) })).toEqual({});
  expect(issuesOf(encryptionSchema, { recipients: many })).toEqual({
    recipients: 'must name at most 20 recipients',
  });
  expect(issuesOf(encryptionSchema, { recipients: [] })).toEqual({
    recipients: 'must name a recipient',
  });
  expect(issuesOf(encryptionSchema, { recipients: [known, known] })).toEqual({
    recipients: 'names a recipient twice',
  });
  expect(issuesOf(encryptionSchema, { recipients: known })).toHaveProperty('recipients');
  expect(issuesOf(encryptionSchema, { recipients: [known], passphrase: 'x' })).toHaveProperty('');
});

test('exportRequestSchema accepts encryption for one unit only, with every format', () => {
  const request = { sources: ['sales'], dataset: 'orders', encryption: { recipients: [known] } };
  for (const format of ['csv', 'parquet', 'xlsx'])
    expect(exportRequestSchema.parse({ ...request, format })).toMatchObject(request);
  const reason = 'with encryption: the file is an age file, name + .age; one unit';
  expect(
    issuesOf(exportRequestSchema, { ...request, format: 'csv', consistency: 'resumable' }),
  ).toEqual({ consistency: `must be snapshot ${reason}` });
  expect(
    issuesOf(exportRequestSchema, { ...request, format: 'csv', sources: ['sales', 'iot'] }),
  ).toEqual({ sources: `must be one ${reason}` });
});

test('exportRequestSchema leaves a request without encryption as it was', () => {
  const request = { sources: ['sales'], dataset: 'orders', format: 'csv' };
  expect(exportRequestSchema.parse(request)).not.toHaveProperty('encryption');
});
