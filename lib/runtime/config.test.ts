import { readFileSync } from 'node:fs';
import { parseEnv } from 'node:util';
import { expect, test } from '@jest/globals';
import { readConfig } from './config.ts';

const complete = {
  STREAMSYNC_URL: 'http://localhost:8080/',
  STREAMSYNC_CATALOGUE_URL: 'postgres://a:b@127.0.0.1/c',
  STREAMSYNC_SOURCES: '{"sales":{"url":"postgres://a:b@127.0.0.1/sales"}}',
  STREAMSYNC_KAFKA_BROKERS: '127.0.0.1:9092, 127.0.0.1:9093',
  STREAMSYNC_S3_BUCKET: 'streamsync',
  STREAMSYNC_TOKEN_SECRET: 'x'.repeat(32),
};

test('a complete environment is read, with defaults', () => {
  const read = readConfig(complete);
  expect(read.url).toBe('http://localhost:8080');
  expect(read.brokers).toEqual(['127.0.0.1:9092', '127.0.0.1:9093']);
  expect(read.sources.get('sales')?.timeColumns).toEqual({});
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

test('a source with a setting nobody knows is refused', () => {
  const sources = '{"sales":{"url":"postgres://h/d","timeColums":{}}}';
  expect(() => readConfig({ ...complete, STREAMSYNC_SOURCES: sources })).toThrow(
    /STREAMSYNC_SOURCES/,
  );
});

test('.env.example is a complete configuration, and says what is read when nothing else is set', () => {
  const example = parseEnv(readFileSync('.env.example', 'utf8'));
  const read = readConfig(example);
  const { STREAMSYNC_S3_ENDPOINT, ...rest } = example;
  expect(STREAMSYNC_S3_ENDPOINT).toBe('http://127.0.0.1:4566');
  const required = Object.fromEntries(
    Object.entries(rest).filter(([name]) => !/_(SECONDS|LEVEL)$/.test(name)),
  );
  expect(readConfig(required)).toEqual({ ...read, s3: { ...read.s3, endpoint: undefined } });
});
