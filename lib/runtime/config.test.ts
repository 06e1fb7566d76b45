import { execFileSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { parseEnv } from 'node:util';
import { describe, expect, test } from '@jest/globals';
import type { z } from 'zod';
import { environmentSchema, kafkaSettings, readConfig } from './config.ts';
import { secretVariables } from './secret-variables.ts';

const signing = generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' });
const former = generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' });

const complete = {
  STREAMSYNC_URL: 'http://localhost:8080/',
  STREAMSYNC_CATALOGUE_URL: 'postgres://a:b@127.0.0.1/c',
  STREAMSYNC_SOURCES: '{"sales":{"url":"postgres://a:b@127.0.0.1/sales"}}',
  STREAMSYNC_KAFKA_BROKERS: '127.0.0.1:9092, 127.0.0.1:9093',
  STREAMSYNC_S3_BUCKET: 'streamsync',
  STREAMSYNC_TOKEN_SECRET: 'x'.repeat(32),
  STREAMSYNC_DOOR_SECRET: 'y'.repeat(32),
  STREAMSYNC_SIGNING_KEYS: JSON.stringify({ keys: [{ ...signing, kid: 'new' }] }),
};

test('readConfig adds the defaults to a complete environment', () => {
  const read = readConfig(complete);
  expect(read.url).toBe('http://localhost:8080');
  expect(read.brokers).toEqual(['127.0.0.1:9092', '127.0.0.1:9093']);
  expect(read.sources.get('sales')?.timeColumns).toEqual(new Map());
  expect(read.s3.endpoint).toBeUndefined();
  expect(read.workerTimeoutSeconds).toBe(840);
});

test('readConfig names every wrong variable in one error, without values', () => {
  const bad = {
    ...complete,
    STREAMSYNC_URL: undefined,
    STREAMSYNC_SOURCES: 'not json: secret-password',
    STREAMSYNC_TOKEN_SECRET: 'short-secret',
  };
  expect(() => readConfig(bad)).toThrow(
    /STREAMSYNC_URL[\s\S]*STREAMSYNC_SOURCES[\s\S]*STREAMSYNC_TOKEN_SECRET/,
  );
  expect(() => readConfig(bad)).not.toThrow(/secret-password|short-secret/);
});

test.each(['options=-c%20TimeZone%3DAsia/Tokyo', 'application_name=x', 'statement_timeout=0'])(
  'readConfig rejects a source URL with %s, and does not show the URL',
  (parameter) => {
    const sourcesWith = (query: string): string =>
      JSON.stringify({
        sales: { url: `postgres://a:secret-password@h/d?sslmode=verify-full${query}` },
      });
    const read = (query: string) =>
      readConfig({ ...complete, STREAMSYNC_SOURCES: sourcesWith(query) });
    expect(read('').sources.get('sales')?.maxQuestionConnections).toBe(6);
    expect(() => read(`&${parameter}`)).toThrow(/sales\.url: must not have the parameters/);
    expect(() => read(`&${parameter}`)).not.toThrow(/secret-password/);
  },
);

test('readConfig rejects an unknown setting of a source', () => {
  const sources = '{"sales":{"url":"postgres://h/d","timeColums":{}}}';
  expect(() => readConfig({ ...complete, STREAMSYNC_SOURCES: sources })).toThrow(
    /STREAMSYNC_SOURCES/,
  );
});

describe('STREAMSYNC_READINGS', () => {
  const read = (text: string | undefined) =>
    readConfig({ ...complete, STREAMSYNC_READINGS: text }).readings;
  const url = 'postgres://writer:secret-password@h/sales';

  test('is optional, also as the empty text of a deployment without it', () => {
    expect(read(undefined)).toBeUndefined();
    expect(read('')).toBeUndefined();
  });

  test('has defaults for all but source and URL', () => {
    expect(read(JSON.stringify({ source: 'sales', url }))).toEqual({
      source: 'sales',
      url,
      maxAgeDays: 3_650,
      maxFutureSeconds: 600,
    });
  });

  test.each([
    ['text that is not JSON', 'secret-password', /STREAMSYNC_READINGS: is not JSON/],
    ['an unknown source', JSON.stringify({ source: 'iot', url }), /STREAMSYNC_READINGS\.source/],
    [
      'a URL that sets a timeout',
      JSON.stringify({ source: 'sales', url: `${url}?statement_timeout=1` }),
      /STREAMSYNC_READINGS\.url/,
    ],
    [
      'an unknown setting',
      JSON.stringify({ source: 'sales', url, retention: 5 }),
      /STREAMSYNC_READINGS/,
    ],
  ])('readConfig rejects %s, and shows no password', (_, text, reason) => {
    expect(() => read(text)).toThrow(reason);
    expect(() => read(text)).not.toThrow(/secret-password/);
  });
});

describe('STREAMSYNC_SIGNING_KEYS', () => {
  const read = (...keys: object[]) =>
    readConfig({ ...complete, STREAMSYNC_SIGNING_KEYS: JSON.stringify({ keys }) }).signingKeys;

  test('the first signing key signs, and the public parts of all keys are published', () => {
    const { d: _, ...formerPublic } = former;
    const { d: secret } = signing;
    for (const second of [former, formerPublic]) {
      const keys = read({ ...signing, kid: 'new' }, { ...second, kid: 'old' });
      expect(keys.signing).toEqual({ kid: 'new', x: signing.x, d: secret });
      const described = { kty: 'OKP', crv: 'Ed25519', alg: 'Ed25519', use: 'sig' };
      expect(keys.published).toEqual({
        keys: [
          { ...described, kid: 'new', x: signing.x },
          { ...described, kid: 'old', x: former.x },
        ],
      });
    }
  });

  test.each([
    ['an empty list', [], /must have at least one key/],
    ['a first key without a private part', [{ ...signing, d: undefined, kid: 'a' }], /first key/],
    ['a key without kid', [signing], /kid/],
    [
      'two keys with the same kid',
      [
        { ...signing, kid: 'a' },
        { ...former, kid: 'a' },
      ],
      /repeat a `kid`/,
    ],
    ['a key of another curve', [{ ...signing, crv: 'X25519', kid: 'a' }], /crv/],
    ['a key with parts of two keys', [{ ...signing, x: former.x, kid: 'a' }], /does not belong/],
  ])('readConfig rejects %s, and does not show the keys', (_, keys, reason) => {
    expect(() => read(...keys)).toThrow(/STREAMSYNC_SIGNING_KEYS/);
    expect(() => read(...keys)).toThrow(reason);
    expect(() => read(...keys)).not.toThrow(String(signing.d));
  });

  test('the command in docs/operations.md creates a valid key', () => {
    const [, command = ''] =
      /^(node -p .*)$/m.exec(readFileSync('docs/operations.md', 'utf8')) ?? [];
    const generated: unknown = JSON.parse(
      execFileSync('sh', ['-c', command], { encoding: 'utf8' }),
    );
    expect(read(Object(generated)).signing.d).toHaveLength(43);
  });
});

test('.env.example is a complete configuration, and its optional values are the defaults', () => {
  const example = parseEnv(readFileSync('.env.example', 'utf8'));
  const read = readConfig(example);
  const { STREAMSYNC_S3_ENDPOINT, ...rest } = example;
  expect(STREAMSYNC_S3_ENDPOINT).toBe('http://127.0.0.1:4566');
  const required = Object.fromEntries(Object.entries(rest).filter(([name]) => !isOptional(name)));
  expect(read.readings?.source).toBe('iot');
  expect(readConfig(required)).toEqual({
    ...read,
    readings: undefined,
    hashSecret: undefined,
    liveEndpoint: undefined,
    s3: { ...read.s3, endpoint: undefined },
  });
});

/** Returns whether a variable has a default. */
function isOptional(name: string): boolean {
  const field = fieldOf(name);
  return field === undefined || field.safeParse(undefined).success;
}

const fieldOf = (name: string): z.ZodType | undefined =>
  Object.entries(environmentSchema.shape).find(([key]) => key === name)?.[1];

describe('the variables of the configuration', () => {
  const read = Object.keys(environmentSchema.shape);
  // Read by serverless.yml for the stage `local`, not by the functions.
  const packaged = ['STREAMSYNC_KAFKA_ARN', 'STREAMSYNC_FREEZE'];
  const fromLambda = ['AWS_REGION'];
  const localOnly = ['STREAMSYNC_S3_ENDPOINT'];
  const without = (names: readonly string[], some: readonly string[]): string[] =>
    names.filter((name) => !some.includes(name)).toSorted();
  const namesIn = (text: string, pattern: RegExp): string[] =>
    [...text.matchAll(pattern)].map(([, name = '']) => name).toSorted();

  test('.env.example has every variable', () => {
    const example = Object.keys(parseEnv(readFileSync('.env.example', 'utf8')));
    expect(example.toSorted()).toEqual([...read, ...packaged].toSorted());
  });

  test('serverless.yml passes exactly the variables that the functions read', () => {
    const text = readFileSync('serverless.yml', 'utf8');
    const [, provided = ''] = /^ {2}environment:\n((?: {4}.*\n)+)/m.exec(text) ?? [];
    const passedOn = without(read, [...fromLambda, ...localOnly]);
    expect(namesIn(provided, /^ {4}(\w+): \$\{(?:self:[\w.]+, )?env:\1\b/gm)).toEqual(passedOn);
    expect([...new Set(namesIn(text, /\benv:(\w+)/g))]).toEqual(
      without([...passedOn, ...packaged, ...fromLambda], []),
    );
  });

  test('serverless.yml has the same defaults as the functions, and none for the secret', () => {
    const text = readFileSync('serverless.yml', 'utf8');
    const secrets: readonly string[] = secretVariables;
    for (const [, name = '', value] of text.matchAll(
      /^ {4}(\w+): \$\{(?:self:[\w.]+, )?env:\w+, '(.*)'\}$/gm,
    )) {
      if (secrets.includes(name)) {
        expect([name, value]).toEqual([name, '']);
        continue;
      }
      const field = fieldOf(name);
      expect([name, field?.parse(value)]).toEqual([name, field?.parse(undefined)]);
    }
  });

  test('docs/operations.md lists every variable', () => {
    const text = readFileSync('docs/operations.md', 'utf8');
    const [, configuration = ''] = /^## Configuration\n([\s\S]*?)^## /m.exec(text) ?? [];
    expect(namesIn(configuration, /^\| `(\w+)`/gm)).toEqual([...read, ...packaged].toSorted());
  });
});

describe('STREAMSYNC_OIDC', () => {
  const read = (settings: object) =>
    readConfig({ ...complete, STREAMSYNC_OIDC: JSON.stringify(settings) }).oidc;
  const provider = { issuer: 'https://login.example.com', clientId: 'streamsync' };

  test('is optional, and creates no accounts unless it says so', () => {
    expect(readConfig({ ...complete, STREAMSYNC_OIDC: '' }).oidc).toBeUndefined();
    expect(read(provider)).toEqual({ ...provider, name: 'OpenID Connect', createAccounts: false });
  });

  test('needs https, except for a provider on this machine', () => {
    expect(read({ ...provider, issuer: 'http://127.0.0.1:3000' })?.issuer).toContain('127.0.0.1');
    for (const issuer of ['http://login.example.com', 'http://127.0.0.1.example.com', 'ldap://x'])
      expect(() => read({ ...provider, issuer })).toThrow(/STREAMSYNC_OIDC\.issuer/);
  });

  test('does not show its secret in an error', () => {
    const wrong = { ...provider, clientSecret: 'a-secret', issuer: 'x' };
    expect(() => read(wrong)).toThrow(/issuer/);
    expect(() => read(wrong)).not.toThrow(/a-secret/);
  });
});

describe('STREAMSYNC_KAFKA_SECURITY', () => {
  const login = { username: 'streamsync', password: 'secret-password' };
  const read = (security: object | string) =>
    kafkaSettings({
      STREAMSYNC_KAFKA_BROKERS: 'broker:9094',
      STREAMSYNC_KAFKA_SECURITY: typeof security === 'string' ? security : JSON.stringify(security),
    }).security;

  test('is optional: plaintext without authentication', () => {
    expect(read('')).toBeUndefined();
  });

  test('is TLS unless it says otherwise', () => {
    expect(read({})).toEqual({ tls: true });
    expect(read({ sasl: { mechanism: 'AWS_MSK_IAM' } })).toMatchObject({ tls: true });
  });

  test.each([
    ['an unknown setting', { ssl: true }, /STREAMSYNC_KAFKA_SECURITY: Unrecognized key/],
    ['an unknown mechanism', { sasl: { mechanism: 'GSSAPI' } }, /SECURITY\.sasl\.mechanism/],
    [
      'SCRAM without a password',
      { sasl: { mechanism: 'SCRAM-SHA-512', username: 'a' } },
      /password/,
    ],
    ['a login for IAM', { sasl: { mechanism: 'AWS_MSK_IAM', ...login } }, /Unrecognized/],
    ['an authority that is no certificate', { tls: { ca: 'secret-password' } }, /as PEM/],
    ['PLAIN without TLS', { tls: false, sasl: { mechanism: 'PLAIN', ...login } }, /SECURITY\.tls/],
    ['IAM without TLS', { tls: false, sasl: { mechanism: 'AWS_MSK_IAM' } }, /SECURITY\.tls/],
  ])('is refused with %s, without values', (_, security, message) => {
    expect(() => read(security)).toThrow(message);
    expect(() => read(security)).not.toThrow(/secret-password/);
  });
});
