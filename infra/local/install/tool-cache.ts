/**
 * Tools that are built once for a clone and shared by all its stacks: `.parts/<name>`, each with a stamp file that has
 * the hash of its definition.
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
import { processIdentity } from '../../bootstrap/pid-lock.mjs';
import { repoRoot } from '../home/home.ts';

export const toolCache = join(repoRoot, '.parts');
const stampName = '.streamsync-part';

export interface CachedTool {
  name: string;
  /** Everything it is built from: if this text changes, the tool is built again. */
  definition: string;
}

export function toolDirectory(name: string): string {
  return join(toolCache, name);
}

export function isInstalled(tool: CachedTool): boolean {
  const stamp = join(toolDirectory(tool.name), stampName);
  return existsSync(stamp) && readFileSync(stamp, 'utf8') === digest(tool);
}

/**
 * Builds a tool in a draft directory and moves it to its place when it is complete. The caller holds the lock of the
 * tools. `build` gets the directory to fill and the final one.
 */
export async function install(
  tool: CachedTool,
  build: (draft: string, place: string) => Promise<void>,
): Promise<void> {
  const place = toolDirectory(tool.name);
  mkdirSync(toolCache, { recursive: true });
  removeAbandoned(tool.name);
  const draft = `${place}.${process.pid}-new`;
  mkdirSync(draft);
  try {
    await build(draft, place);
    writeFileSync(join(draft, stampName), digest(tool));
    const previous = `${place}.${process.pid}-old`;
    if (existsSync(place)) renameSync(place, previous);
    renameSync(draft, place);
    rmSync(previous, { recursive: true, force: true });
  } finally {
    rmSync(draft, { recursive: true, force: true });
  }
}

/** Removes the directories of a killed installation: `<name>.<pid>-new` and `-old`. */
function removeAbandoned(name: string): void {
  for (const entry of readdirSync(toolCache)) {
    const pid = new RegExp(`^${name}\\.(\\d+)-(new|old)$`).exec(entry)?.[1];
    if (pid !== undefined && processIdentity(Number(pid)) === undefined)
      rmSync(join(toolCache, entry), { recursive: true, force: true });
  }
}

function digest(tool: CachedTool): string {
  return createHash('sha256').update(tool.definition).digest('hex');
}
