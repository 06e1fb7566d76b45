import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { version as ownVersion } from '../../lib/runtime/version.ts';

/** CycloneDX 1.5 (https://cyclonedx.org/docs/1.5/json/). `npm sbom` fails if any development package has a wrong peer. */
export const billOfMaterials = 'sbom.cdx.json';
export const licenceTexts = 'licences.txt';

const packageSchema = z.object({ name: z.string(), version: z.string(), license: z.string() });

/** A package whose code is in an artifact. */
export interface BundledPackage extends z.infer<typeof packageSchema> {
  /** Its directory, relative to the root. */
  path: string;
}

const packagePath = /^(?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+/;

/**
 * Returns the packages that the sources of bundles belong to, by name.
 *
 * @param inputs paths of sources, relative to the root
 */
export async function packagesIn(
  inputs: readonly string[],
  root: string,
): Promise<BundledPackage[]> {
  const paths = new Set(inputs.flatMap((input) => packagePath.exec(input) ?? []));
  const packages = await Promise.all(
    [...paths].map(async (path) => {
      const text = await readFile(join(root, path, 'package.json'), 'utf8');
      return { ...packageSchema.parse(JSON.parse(text)), path };
    }),
  );
  return packages.toSorted((a, b) => a.name.localeCompare(b.name));
}

const lockSchema = z.object({
  packages: z.record(z.string(), z.object({ integrity: z.string().optional() })),
});

/**
 * Writes the bill of materials of packages, with their hashes of package-lock.json, and the texts of their licences.
 * Throws if package-lock.json has not all of them. The same packages make the same bytes.
 */
export async function writeBillOfMaterials(
  packages: readonly BundledPackage[],
  { root, directory }: { root: string; directory: string },
): Promise<void> {
  const lock = lockSchema.parse(
    JSON.parse(await readFile(join(root, 'package-lock.json'), 'utf8')),
  );
  const components = packages.map(({ name, version, license, path }) => {
    const integrity = lock.packages[path]?.integrity;
    if (integrity === undefined) throw new Error(`package-lock.json has no hash of ${path}`);
    return {
      type: 'library',
      'bom-ref': `${name}@${version}`,
      name,
      version,
      purl: `pkg:npm/${name.replace('@', '%40')}@${version}`,
      licenses: [{ license: { id: license } }],
      hashes: [hashOf(integrity)],
    };
  });
  const document = {
    bomFormat: 'CycloneDX',
    specVersion: '1.5',
    version: 1,
    metadata: { component: { type: 'application', name: 'streamsync', version: ownVersion } },
    components,
  };
  await writeFile(join(directory, billOfMaterials), `${JSON.stringify(document, null, 2)}\n`);
  const texts = await Promise.all(packages.map((it) => licenceOf(it, root)));
  await writeFile(join(directory, licenceTexts), texts.join('\n'));
}

/** Returns the hash of a package as CycloneDX has it, from the base64 of package-lock.json. */
function hashOf(integrity: string): { alg: string; content: string } {
  const [algorithm = '', base64 = ''] = integrity.split('-');
  return {
    alg: algorithm.toUpperCase().replace('SHA', 'SHA-'),
    content: Buffer.from(base64, 'base64').toString('hex'),
  };
}

async function licenceOf(
  { name, version, license, path }: BundledPackage,
  root: string,
): Promise<string> {
  const files = await readdir(join(root, path));
  const file = files.find((it) => /^licen[cs]e/i.test(it));
  const text = file === undefined ? '' : await readFile(join(root, path, file), 'utf8');
  return `${name} ${version}: ${license}\n\n${text}\n`;
}
