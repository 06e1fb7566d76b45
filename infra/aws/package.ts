/**
 * `npm run package`: makes the artifacts of all functions in dist/functions, with a list of the packages in them, and
 * prints their sizes.
 */
import { join } from 'node:path';
import { errorMessage } from '../../lib/runtime/errors.ts';
import { repoRoot } from '../local/home/home.ts';
import { makeArtifacts } from './artifacts.ts';
import {
  billOfMaterials,
  licenceTexts,
  packagesIn,
  writeBillOfMaterials,
} from './bill-of-materials.ts';
import { readHandlers } from './functions.ts';

const kilobytes = (bytes: number): string => `${Math.ceil(bytes / 1_000)} kB`.padStart(9);

try {
  const artifacts = await makeArtifacts(readHandlers(repoRoot), {
    root: repoRoot,
    directory: join(repoRoot, 'dist/functions'),
    pipelines: process.env.STREAMSYNC_PIPELINES ?? '',
    databaseCa: '',
  });
  const packages = await packagesIn(
    artifacts.flatMap(({ inputs }) => inputs),
    repoRoot,
  );
  await writeBillOfMaterials(packages, { root: repoRoot, directory: join(repoRoot, 'dist') });
  for (const { name, bytes, zippedBytes } of artifacts)
    console.log(`${name.padEnd(24)}${kilobytes(bytes)}${kilobytes(zippedBytes)} zipped`);
  const total = artifacts.reduce((sum, { zippedBytes }) => sum + zippedBytes, 0);
  console.log(`${artifacts.length} functions in dist/functions, ${kilobytes(total).trim()} zipped`);
  console.log(`${packages.length} packages in them: dist/${billOfMaterials}, dist/${licenceTexts}`);
} catch (error) {
  console.error(`No artifacts: ${errorMessage(error)}`);
  process.exitCode = 1;
}
