import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { z } from 'zod';
import { dayClassOf, exportIdOf, lifecycleRules, objectKeyOf } from './object-keys.ts';

const ids = {
  ownerId: '8e1628d2-8751-4527-a671-1e31d4e9838a',
  exportId: '01a220a2-4385-7495-967c-da2d19d845b2',
  attemptId: '7287724c-23ac-4ded-9b6c-6bf1e94a86a3',
};

test.each([
  [60, 1],
  [86_400, 1],
  [86_401, 7],
  [604_800, 7],
  [604_801, 30],
  [2_592_000, 30],
])('a file that is available for %i s has the class of %i days', (ttlSeconds, days) => {
  expect(dayClassOf(ttlSeconds)).toBe(days);
});

test('no class deletes an object before its file has expired and running transfers had their grace', () => {
  const day = 86_400;
  const maxGrace = day;
  for (const ttlSeconds of [60, day, 2 * day, 7 * day, 8 * day, 30 * day]) {
    const key = objectKeyOf({ ...ids, dayClass: dayClassOf(ttlSeconds) });
    const rules = lifecycleRules.filter(({ prefix }) => key.startsWith(prefix));
    // Of two rules, S3 follows the one that expires earlier.
    expect(rules).toHaveLength(2);
    for (const { expirationDays } of rules)
      expect(expirationDays * day).toBeGreaterThanOrEqual(ttlSeconds + maxGrace);
  }
  expect(() => dayClassOf(30 * day + 1)).toThrow('no day class');
});

test('a key has the id of its export', () => {
  const key = objectKeyOf({ ...ids, dayClass: 7 });
  expect(key).toBe(`exports/7d/${ids.ownerId}/${ids.exportId}/${ids.attemptId}`);
  expect(exportIdOf(key)).toBe(ids.exportId);
  // Of an earlier version.
  expect(exportIdOf(`exports/${ids.ownerId}/${ids.exportId}/${ids.attemptId}`)).toBe(ids.exportId);
  for (const other of ['', 'x', 'exports/7d/x/y/z', ids.exportId])
    expect(exportIdOf(other)).toBeUndefined();
});

const bucketSchema = z.object({
  resources: z.object({
    Resources: z.object({
      ExportsBucket: z.object({
        Properties: z.object({ LifecycleConfiguration: z.object({ Rules: z.unknown() }) }),
      }),
    }),
  }),
});

test('serverless.yml has the same lifecycle rules for the bucket of a deployment', async () => {
  const file = await readFile(join(import.meta.dirname, '../../serverless.yml'), 'utf8');
  const { resources } = bucketSchema.parse(parse(file));
  expect(resources.Resources.ExportsBucket.Properties.LifecycleConfiguration.Rules).toEqual(
    lifecycleRules.map(({ id, prefix, expirationDays, abortDays }) => ({
      Id: id,
      Status: 'Enabled',
      Prefix: prefix,
      ExpirationInDays: expirationDays,
      AbortIncompleteMultipartUpload: { DaysAfterInitiation: abortDays },
    })),
  );
});
