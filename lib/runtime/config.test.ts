import { execFileSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { parseEnv } from 'node:util';
import { describe, expect, test } from '@jest/globals';
import type { z } from 'zod';
import { environmentSchema, readConfig } from './config.ts';

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

test('a complete environment is read, with defaults', () => {
  const read = readConfig(complete);
  expect(read.url).toBe('http://localhost:8080');
  expect(read.brokers).toEqual(['127.0.0.1:9092', '127.0.0.1:9093']);
  expect(read.sources.get('sales')?.timeColumns).toEqual(new Map());
  expect(read.s3.endpoint).toBeUndefined();
  expect(read.workerTimeoutSeconds).toBe(840);
});

test('every bad variable is named at once, and no value is shown', () => {
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
  'the URL of a source with %s, which would set what exports rely on, is refused, and not shown',
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

test('a source with a setting nobody knows is refused', () => {
  const sources = '{"sales":{"url":"postgres://h/d","timeColums":{}}}';
  expect(() => readConfig({ ...complete, STREAMSYNC_SOURCES: sources })).toThrow(
    /STREAMSYNC_SOURCES/,
  );
});

describe('keys that sign', () => {
  const read = (...keys: object[]) =>
    readConfig({ ...complete, STREAMSYNC_SIGNING_KEYS: JSON.stringify({ keys }) }).signingKeys;

  test('the first signs, all are published, no private part is', () => {
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
    ['none', [], /must have a key/],
    ['without a private part first', [{ ...signing, d: undefined, kid: 'a' }], /first key/],
    ['without kid', [signing], /kid/],
    [
      'with a kid twice',
      [
        { ...signing, kid: 'a' },
        { ...former, kid: 'a' },
      ],
      /`kid` twice/,
    ],
    ['of another curve', [{ ...signing, crv: 'X25519', kid: 'a' }], /crv/],
    ['whose parts are of two keys', [{ ...signing, x: former.x, kid: 'a' }], /does not belong/],
  ])('%s are refused, and not shown', (_, keys, reason) => {
    expect(() => read(...keys)).toThrow(/STREAMSYNC_SIGNING_KEYS/);
    expect(() => read(...keys)).toThrow(reason);
    expect(() => read(...keys)).not.toThrow(String(signing.d));
  });

  test('docs/operations.md makes one', () => {
    const [, command = ''] =
      /^(node -p .*)$/m.exec(readFileSync('docs/operations.md', 'utf8')) ?? [];
    const made: unknown = JSON.parse(execFileSync('sh', ['-c', command], { encoding: 'utf8' }));
    expect(read(Object(made)).signing.d).toHaveLength(43);
  });
});

test('.env.example is a complete configuration, and says what is read when nothing else is set', () => {
  const example = parseEnv(readFileSync('.env.example', 'utf8'));
  const read = readConfig(example);
  const { STREAMSYNC_S3_ENDPOINT, ...rest } = example;
  expect(STREAMSYNC_S3_ENDPOINT).toBe('http://127.0.0.1:4566');
  const required = Object.fromEntries(Object.entries(rest).filter(([name]) => !isOptional(name)));
  expect(readConfig(required)).toEqual({ ...read, s3: { ...read.s3, endpoint: undefined } });
});

/** Whether a variable may be left out. */
function isOptional(name: string): boolean {
  const field = fieldOf(name);
  return field === undefined || field.safeParse(undefined).success;
}

const fieldOf = (name: string): z.ZodType | undefined =>
  Object.entries(environmentSchema.shape).find(([key]) => key === name)?.[1];

describe('every variable is named wherever variables are named', () => {
  const read = Object.keys(environmentSchema.shape);
  // Read when a deployment is packaged, not by the functions.
  const packaged = ['STREAMSYNC_KAFKA_ARN'];
  const fromLambda = ['AWS_REGION'];
  const localOnly = ['STREAMSYNC_S3_ENDPOINT'];
  const without = (names: readonly string[], some: readonly string[]): string[] =>
    names.filter((name) => !some.includes(name)).toSorted();
  const namesIn = (text: string, pattern: RegExp): string[] =>
    [...text.matchAll(pattern)].map(([, name = '']) => name).toSorted();

  test('.env.example', () => {
    const example = Object.keys(parseEnv(readFileSync('.env.example', 'utf8')));
    expect(example.toSorted()).toEqual([...read, ...packaged].toSorted());
  });

  test('serverless.yml hands on what the functions read, from where it has it, and reads nothing else', () => {
    const text = readFileSync('serverless.yml', 'utf8');
    const [, provided = ''] = /^ {2}environment:\n((?: {4}.*\n)+)/m.exec(text) ?? [];
    const handedOn = without(read, [...fromLambda, ...localOnly]);
    expect(namesIn(provided, /^ {4}(\w+): \$\{env:\1\b/gm)).toEqual(handedOn);
    expect([...new Set(namesIn(text, /\$\{env:(\w+)/g))]).toEqual(
      without([...handedOn, ...packaged, ...fromLambda], []),
    );
  });

  test('serverless.yml has no default that is not that of the functions', () => {
    const text = readFileSync('serverless.yml', 'utf8');
    for (const [, name = '', value] of text.matchAll(/^ {4}(\w+): \$\{env:\w+, '(.*)'\}$/gm)) {
      const field = fieldOf(name);
      expect([name, field?.parse(value)]).toEqual([name, field?.parse(undefined)]);
    }
  });

  test('docs/operations.md', () => {
    const text = readFileSync('docs/operations.md', 'utf8');
    const [, configuration = ''] = /^## Configuration\n([\s\S]*?)^## /m.exec(text) ?? [];
    expect(namesIn(configuration, /^\| `(\w+)`/gm)).toEqual([...read, ...packaged].toSorted());
  });
});
