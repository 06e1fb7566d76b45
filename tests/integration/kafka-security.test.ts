/** The client of the functions against a broker with TLS and SASL. */
import { execFile } from 'node:child_process';
import { createHash, createHmac } from 'node:crypto';
import { connect } from 'node:net';
import { createServer } from 'node:tls';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createAuthority } from '../support/certificate.ts';
import { listenFor } from '../support/listen-for.ts';
import { login, type OwnBroker, startSecuredBroker } from '../support/own-broker.ts';

const authority = createAuthority();
const { certificate: ca } = authority;
const { certificate: otherCa } = createAuthority('another authority');
let listeners: OwnBroker['listeners'];
let stop: () => Promise<void> = async () => undefined;

beforeAll(async () => {
  ({ listeners, stop } = await startSecuredBroker(authority.issue('127.0.0.1')));
});
afterAll(() => stop());

/** Sends a record and reads it again in a process with these settings alone. Returns what it has read. */
async function sendAndRead(
  broker: string,
  security: object,
  variables: Readonly<Record<string, string>> = {},
): Promise<string> {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['tests/support/send-and-read.ts'],
    {
      env: {
        PATH: process.env.PATH,
        STREAMSYNC_KAFKA_BROKERS: broker,
        STREAMSYNC_KAFKA_SECURITY: JSON.stringify(security),
        ...variables,
      },
      timeout: 120_000,
    },
  );
  return stdout.trim();
}

const mechanisms = ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512'] as const;

describe('a broker with TLS', () => {
  test('is used if its certificate is of the authority in the settings', async () => {
    expect(await sendAndRead(listeners.SSL, { tls: { ca } })).toBe('sent');
  });

  test.each([
    ['of another authority', { tls: { ca: otherCa } }],
    ['of an authority that Node does not know', {}],
  ])('is refused if its certificate is %s', async (_, security) => {
    await expect(sendAndRead(listeners.SSL, security)).rejects.toMatchObject({
      stderr: expect.stringMatching(/unable to verify|self-signed certificate|issuer/),
    });
  });

  test('is refused if its certificate is for another host', async () => {
    // The listener is the same; its certificate does not name this host.
    const broker = listeners.SSL.replace('127.0.0.1', 'localhost');
    await expect(sendAndRead(broker, { tls: { ca } })).rejects.toMatchObject({
      stderr: expect.stringContaining("does not match certificate's altnames"),
    });
  });

  test('does not answer a client without TLS', async () => {
    await expect(sendAndRead(listeners.SSL, { tls: false })).rejects.toMatchObject({ code: 1 });
  });
});

describe.each(mechanisms)('a broker with SASL by %s', (mechanism) => {
  test('is used with the right password', async () => {
    const sasl = { mechanism, ...login };
    expect(await sendAndRead(listeners.SASL_SSL, { tls: { ca }, sasl })).toBe('sent');
  });

  test('is refused with a wrong password, which no message has', async () => {
    const sasl = { mechanism, ...login, password: 'wrong-password' };
    const refused = sendAndRead(listeners.SASL_SSL, { tls: { ca }, sasl });
    await expect(refused).rejects.toMatchObject({
      stderr: expect.stringMatching(/authentication failed/i),
    });
    await expect(refused).rejects.not.toMatchObject({
      stderr: expect.stringContaining('wrong-password'),
    });
  });
});

test('SCRAM authenticates without TLS, too', async () => {
  const sasl = { mechanism: 'SCRAM-SHA-512', ...login };
  expect(await sendAndRead(listeners.SASL_PLAINTEXT, { tls: false, sasl })).toBe('sent');
});

describe('IAM', () => {
  const accessKeyId = 'AKIAIOSFODNN7EXAMPLE';
  const secretAccessKey = 'secret-of-a-test';
  const region = 'eu-central-1';
  let sent = Buffer.alloc(0);
  let outcome: unknown;
  let token: URL;

  beforeAll(async () => {
    // It ends TLS and passes everything on to the broker.
    const { key, certificate: cert } = authority.issue('127.0.0.1');
    const target = `kafka://${listeners.SASL_PLAINTEXT}`;
    const { hostname, port } = new URL(target);
    const door = createServer({ key, cert }, (socket) => {
      const broker = connect(Number(port), hostname);
      socket.on('data', (chunk: Buffer) => {
        sent = Buffer.concat([sent, chunk]);
      });
      for (const end of [socket, broker]) end.on('error', () => undefined);
      socket.pipe(broker).pipe(socket);
    });
    const { host } = new URL(await listenFor(door, target));
    const security = { tls: { ca }, sasl: { mechanism: 'AWS_MSK_IAM' } };
    outcome = await sendAndRead(host, security, {
      AWS_REGION: region,
      AWS_ACCESS_KEY_ID: accessKeyId,
      AWS_SECRET_ACCESS_KEY: secretAccessKey,
    }).catch((error: unknown) => error);
    door.close();
    const [, bearer = ''] = /auth=Bearer ([\w-]+)/.exec(sent.toString('latin1')) ?? [];
    token = new URL(Buffer.from(bearer, 'base64url').toString());
  });

  test('hands a token to the broker by OAUTHBEARER; one that is not of AWS refuses it', () => {
    expect(sent.toString('latin1')).toContain('OAUTHBEARER');
    expect(outcome).toMatchObject({ code: 1, stdout: '' });
    expect(outcome).not.toMatchObject({ stderr: expect.stringContaining(secretAccessKey) });
  });

  test('the token is a request to connect, signed with the credentials of the process', () => {
    const { origin, searchParams } = token;
    expect(origin).toBe(`https://kafka.${region}.amazonaws.com`);
    expect(searchParams.get('Action')).toBe('kafka-cluster:Connect');
    expect(searchParams.get('X-Amz-Expires')).toBe('900');
    const date = searchParams.get('X-Amz-Date') ?? '';
    const scope = `${date.slice(0, 8)}/${region}/kafka-cluster/aws4_request`;
    expect(searchParams.get('X-Amz-Credential')).toBe(`${accessKeyId}/${scope}`);
    expect(searchParams.get('X-Amz-Signature')).toBe(signatureOf(token, date, scope));
  });

  /** https://docs.aws.amazon.com/IAM/latest/UserGuide/create-signed-request.html */
  function signatureOf({ host, searchParams }: URL, date: string, scope: string): string {
    const query = [...searchParams]
      .filter(([name]) => !['X-Amz-Signature', 'User-Agent'].includes(name))
      .map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`)
      .toSorted()
      .join('&');
    const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
    const request = `GET\n/\n${query}\nhost:${host}\n\nhost\n${sha256('')}`;
    let key: Buffer = Buffer.from(`AWS4${secretAccessKey}`);
    const hmac = (text: string): Buffer => createHmac('sha256', key).update(text).digest();
    for (const part of scope.split('/')) key = hmac(part);
    return hmac(`AWS4-HMAC-SHA256\n${date}\n${scope}\n${sha256(request)}`).toString('hex');
  }
});
