import { expect, test } from '@jest/globals';
import { clientAddress, requireDoor } from './door.ts';

const secret = 's'.repeat(43);
Object.assign(process.env, {
  STREAMSYNC_URL: 'http://localhost:8080',
  STREAMSYNC_CATALOGUE_URL: 'postgres://a:b@127.0.0.1/c',
  STREAMSYNC_SOURCES: '{}',
  STREAMSYNC_KAFKA_BROKERS: '127.0.0.1:9092',
  STREAMSYNC_S3_BUCKET: 'streamsync',
  STREAMSYNC_TOKEN_SECRET: 't'.repeat(32),
  STREAMSYNC_DOOR_SECRET: secret,
  STREAMSYNC_SIGNING_KEYS: JSON.stringify({
    keys: [
      {
        kty: 'OKP',
        crv: 'Ed25519',
        kid: 'change-me',
        x: 'EBa6OzgfhTRcMgfLdqAaWMS3cffsY41HlEEspTrT1So',
        d: 'vKl7D5-z0ibNEAD_gJ468SWLpQreQ5Sy0xzKO34Y69c',
      },
    ],
  }),
});

const headerOf =
  (headers: Record<string, string>) =>
  (name: string): string | undefined =>
    headers[name];

test('requireDoor accepts NGINX, and clientAddress returns the address it sends', () => {
  const header = headerOf({ 'x-door-secret': secret, 'x-client-address': '192.0.2.7' });
  expect(() => requireDoor(header)).not.toThrow();
  expect(clientAddress(header)).toBe('192.0.2.7');
});

test.each([
  {},
  { 'x-door-secret': '' },
  { 'x-door-secret': secret.slice(1) },
  { 'x-door-secret': `${secret}s` },
  { 'x-door-secret': `${secret}, ${secret}` },
  { 'x-door-secret': 't'.repeat(32) },
])('requireDoor rejects %j, and clientAddress returns unknown', (sent) => {
  const header = headerOf({ ...sent, 'x-client-address': '192.0.2.7' });
  expect(() => requireDoor(header)).toThrow(expect.objectContaining({ code: 'not_found' }));
  expect(clientAddress(header)).toBe('unknown');
});
