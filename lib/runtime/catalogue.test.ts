import { readFileSync } from 'node:fs';
import { parseEnv } from 'node:util';
import { expect, test } from '@jest/globals';
import { catalogue } from './catalogue.ts';

test('a process has as many connections to the catalogue as its configuration says', () => {
  Object.assign(process.env, parseEnv(readFileSync('.env.example', 'utf8')), {
    STREAMSYNC_CATALOGUE_CONNECTIONS: '3',
  });
  expect(catalogue().options.max).toBe(3);
});
