import { describe, expect, test } from '@jest/globals';
import { environmentSchema } from './config.ts';
import { environment, loadSecret, parseSecret, secretSchema } from './secret.ts';
import { secretVariables } from './secret-variables.ts';

test('the variables of the secret are variables of the configuration', () => {
  expect(Object.keys(environmentSchema.shape)).toEqual(
    expect.arrayContaining([...secretVariables]),
  );
});

test('without the ARN of a secret the environment is all there is', async () => {
  expect(process.env.STREAMSYNC_SECRET_ARN).toBeUndefined();
  await loadSecret();
  expect(environment()).toEqual(process.env);
});

describe('parseSecret', () => {
  test('accepts what is JSON as a text or as an object', () => {
    const sources = { sales: { url: 'postgres://h/sales' } };
    const expected = { STREAMSYNC_SOURCES: JSON.stringify(sources) };
    expect(parseSecret(JSON.stringify({ STREAMSYNC_SOURCES: sources }), secretSchema)).toEqual(
      expected,
    );
    expect(parseSecret(JSON.stringify(expected), secretSchema)).toEqual(expected);
  });

  test.each([
    ['not JSON', '{"STREAMSYNC_TOKEN_SECRET": secret-value', /is not JSON/],
    ['no object', '["secret-value"]', /expected record/i],
    ['an unknown variable', '{"STREAMSYNC_TOKEN": "secret-value"}', /STREAMSYNC_TOKEN/],
    ['a number', '{"STREAMSYNC_TOKEN_SECRET": 12}', /TOKEN_SECRET: must be a text or an object/],
  ])('refuses %s, without values', (_, text, message) => {
    expect(() => parseSecret(text, secretSchema)).toThrow(message);
    expect(() => parseSecret(text, secretSchema)).not.toThrow(/secret-value/);
  });
});
