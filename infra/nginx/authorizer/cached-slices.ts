import { open, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { errorCode } from '../../../lib/runtime/errors.ts';

/** Reads the keys of NGINX's cache (`proxy_cache_key $object_key$slice_range`) from its files. */
const headBytes = 4_096;
const keyLine = /\nKEY: ([!-~]+)bytes=\d+-\d+\n/;
const cacheFile = /^[0-9a-f]{32}$/;

export class CachedSlices {
  readonly #directory: string;
  /** Object keys by path: the content of a file never changes. */
  #keys = new Map<string, string | undefined>();

  constructor(directory: string) {
    this.#directory = directory;
  }

  /**
   * Deletes the slices of objects that are not kept, and returns how many there were. NGINX takes a missing file for a
   * slice that it has not fetched.
   *
   * @param keptOf returns those of the object keys whose slices stay
   */
  async drop(keptOf: (objectKeys: string[]) => Promise<Set<string>>): Promise<number> {
    const keys = await this.#read();
    const objectKeys = [...new Set([...keys.values()].filter((key) => key !== undefined))];
    const kept = objectKeys.length === 0 ? new Set<string>() : await keptOf(objectKeys);
    const dropped = [...keys].filter(([, key]) => key !== undefined && !kept.has(key));
    for (const [path] of dropped) {
      await rm(path, { force: true });
      keys.delete(path);
    }
    return dropped.length;
  }

  async #read(): Promise<Map<string, string | undefined>> {
    const entries = await readdir(this.#directory, { recursive: true, withFileTypes: true }).catch(
      (error: unknown) => {
        // NGINX creates the directory, and may delete a file while it is listed.
        if (errorCode(error) === 'ENOENT') return [];
        throw error;
      },
    );
    const found = new Map<string, string | undefined>();
    for (const entry of entries) {
      if (!cacheFile.test(entry.name) || !entry.isFile()) continue;
      const path = join(entry.parentPath, entry.name);
      found.set(path, this.#keys.get(path) ?? (await objectKeyOf(path)));
    }
    this.#keys = found;
    return found;
  }
}

/** Returns the object key of a cached slice, undefined if the file is gone or is no slice. */
async function objectKeyOf(path: string): Promise<string | undefined> {
  const file = await open(path, 'r').catch(() => undefined);
  if (file === undefined) return undefined;
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(headBytes), 0, headBytes, 0);
    return keyLine.exec(buffer.toString('latin1', 0, bytesRead))?.[1];
  } finally {
    await file.close();
  }
}
