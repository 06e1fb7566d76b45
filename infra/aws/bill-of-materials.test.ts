import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { z } from 'zod';
import { repoRoot } from '../local/home/home.ts';
import {
  type BundledPackage,
  billOfMaterials,
  licenceTexts,
  packagesIn,
  writeBillOfMaterials,
} from './bill-of-materials.ts';
import { bundleHandlers } from './bundle.ts';
import { readHandlers } from './functions.ts';

/** Licences without conditions on the code that uses a package. That of the MPL concerns changes of the package alone. */
const permitted = [
  '0BSD',
  'Apache-2.0',
  'BlueOak-1.0.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'ISC',
  'MIT',
  'MIT-0',
  'MPL-2.0',
];

const directory = mkdtempSync(join(tmpdir(), 'streamsync-materials-'));
let packages: BundledPackage[] = [];
beforeAll(async () => {
  const bundles = await bundleHandlers(Object.values(readHandlers(repoRoot)), repoRoot);
  packages = await packagesIn(
    [...bundles.values()].flatMap(({ inputs }) => inputs),
    repoRoot,
  );
  await writeBillOfMaterials(packages, { root: repoRoot, directory });
});
afterAll(() => rmSync(directory, { recursive: true }));

describe('the packages in the artifacts', () => {
  test('are dependencies, those of worker threads too', () => {
    const names = packages.map(({ name }) => name);
    expect(names).toEqual(expect.arrayContaining(['pg', 'kafkajs', 'zod', 'snappyjs']));
    expect(names).not.toContain('jest');
  });

  test('have licences without conditions on the code that uses them', () => {
    const others = packages.filter(({ license }) => !permitted.includes(license));
    expect(others).toEqual([]);
  });

  test('are listed with version, licence and hash', () => {
    const document = z
      .object({
        bomFormat: z.literal('CycloneDX'),
        components: z.array(
          z.object({
            name: z.string(),
            version: z.string(),
            purl: z.string().startsWith('pkg:npm/'),
            licenses: z.array(z.object({ license: z.object({ id: z.string() }) })).length(1),
            hashes: z
              .array(
                z.object({
                  alg: z.literal('SHA-512'),
                  content: z.string().regex(/^[0-9a-f]{128}$/),
                }),
              )
              .length(1),
          }),
        ),
      })
      .parse(JSON.parse(readFileSync(join(directory, billOfMaterials), 'utf8')));
    expect(document.components.map(({ name, version }) => `${name}@${version}`)).toEqual(
      packages.map(({ name, version }) => `${name}@${version}`),
    );
    const texts = readFileSync(join(directory, licenceTexts), 'utf8');
    for (const { name, version, license } of packages)
      expect(texts).toContain(`${name} ${version}: ${license}\n`);
  });
});

test('a package that package-lock.json does not have is an error', async () => {
  const unknown = { name: 'x', version: '1.0.0', license: 'MIT', path: 'node_modules/x' };
  await expect(writeBillOfMaterials([unknown], { root: repoRoot, directory })).rejects.toThrow(
    'package-lock.json has no hash of node_modules/x',
  );
});
