import { mkdtempSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { repoRoot } from '../../infra/local/home/home.ts';
import { buildContext } from './build-context.ts';
import { readDockerfile, writeImageFiles } from './dockerfile.ts';

/**
 * Returns a new directory with the files that an image of our Dockerfile has in its working directory, and no others. The
 * packages are those of the working directory, which .dependency-cruiser.cjs keeps from using development dependencies.
 */
export function imageDirectory(name: 'functions' | 'page' | 'sidecars'): string {
  const directory = mkdtempSync(join(tmpdir(), `streamsync-image-${name}-`));
  const stages = readDockerfile(join(repoRoot, 'Dockerfile'));
  writeImageFiles(stages, name, repoRoot, buildContext(repoRoot), directory);
  symlinkSync(join(repoRoot, 'node_modules'), join(directory, 'node_modules'));
  return directory;
}
