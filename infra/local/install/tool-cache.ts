/**
 * The parts that are built once for a clone and shared by all its stacks: `.parts/<name>`, each with a stamp of what
 * defines it, so that a second start finds it by reading one small file.
 */
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { REPO } from '../home.ts';
import { processIdentity } from '../lock.mjs';

export const PARTS = join(REPO, '.parts');
const STAMP = '.streamsync-part';

export interface Part {
  name: string;
  /** Everything it is made from: another text here means building it again. */
  definition: string;
}

export function partDirectory(name: string): string {
  return join(PARTS, name);
}

export function isInstalled(part: Part): boolean {
  const stamp = join(partDirectory(part.name), STAMP);
  return existsSync(stamp) && readFileSync(stamp, 'utf8') === digest(part);
}

/**
 * Builds a part beside its place and moves it there when it is complete. The caller holds the lock of the parts.
 * build is given the directory to fill, and the one it will be in.
 */
export async function install(
  part: Part,
  build: (draft: string, place: string) => Promise<void>,
): Promise<void> {
  const place = partDirectory(part.name);
  mkdirSync(PARTS, { recursive: true });
  removeAbandoned(part.name);
  const draft = `${place}.${process.pid}-new`;
  mkdirSync(draft);
  try {
    await build(draft, place);
    writeFileSync(join(draft, STAMP), digest(part));
    const former = `${place}.${process.pid}-old`;
    if (existsSync(place)) renameSync(place, former);
    renameSync(draft, place);
    rmSync(former, { recursive: true, force: true });
  } finally {
    rmSync(draft, { recursive: true, force: true });
  }
}

/** What a killed installation left: `<name>.<pid>-new`. */
function removeAbandoned(name: string): void {
  for (const entry of readdirSync(PARTS)) {
    const pid = new RegExp(`^${name}\\.(\\d+)-(new|old)$`).exec(entry)?.[1];
    if (pid !== undefined && processIdentity(Number(pid)) === undefined)
      rmSync(join(PARTS, entry), { recursive: true, force: true });
  }
}

function digest(part: Part): string {
  return createHash('sha256').update(part.definition).digest('hex');
}
