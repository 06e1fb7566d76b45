/** What the command is given: the file, the manifest, the public keys. */
import { type FileHandle, open, readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { z } from 'zod';
import { manifestSchema } from '../../../lib/contracts/export-document.ts';
import { exportRequestFields } from '../../../lib/contracts/export-request.ts';
import { csvChoices, plainCsv } from '../../../lib/contracts/format-capabilities.ts';
import { type PublicKey, publicKeySchema } from '../../../lib/contracts/key-set.ts';
import { messageOf } from '../errors.ts';
import { Unusable } from './errors.ts';

const FETCH_SECONDS = 10;

export interface OpenedFile extends AsyncDisposable {
  path: string;
  name: string;
  handle: FileHandle;
}

export async function openFile(path: string): Promise<OpenedFile> {
  try {
    const handle = await open(path);
    if (!(await handle.stat()).isFile()) {
      await handle.close();
      throw new Error('it is not a file');
    }
    return {
      path,
      name: basename(path),
      handle,
      [Symbol.asyncDispose]: () => handle.close(),
    };
  } catch (cause) {
    throw new Unusable(`The file ${path} cannot be read: ${messageOf(cause)}.`, { cause });
  }
}

/** Of a manifest, what is compared. The rest is proved by the signature alone, whatever it may come to be. */
const statedSchema = z.object({
  file: manifestSchema.shape.file,
  request: z.object({
    format: exportRequestFields.shape.format,
    compression: exportRequestFields.shape.compression.unwrap(),
    csv: z
      .object({ delimiter: z.enum(csvChoices.delimiter), newline: z.enum(csvChoices.newline) })
      .default(plainCsv),
  }),
});

export interface Stated extends z.infer<typeof statedSchema> {
  /** All of it as it was parsed: what is signed. */
  whole: Readonly<Record<string, unknown>>;
}

export async function readManifest(path: string): Promise<Stated> {
  const value = await readJson(path, `The manifest ${path}`);
  const read = statedSchema.safeParse(value);
  if (!read.success || typeof value !== 'object' || value === null)
    throw new Unusable(
      `${path} is not a manifest. Fetch it from /api/v1/exports/<id>/manifest, or save it from the page.`,
    );
  return { ...read.data, whole: { ...value } };
}

export interface TrustedKeys {
  keys: PublicKey[];
  /** Where they are from. */
  from: string;
}

const keySetSchema = z.object({ keys: z.array(z.unknown()) });

/** Of a JWK Set those keys that are of our kind; others are to be passed over (RFC 7517, 5). */
export async function readKeys(from: URL | string): Promise<TrustedKeys> {
  const shown = from instanceof URL ? from.href : from;
  const value =
    from instanceof URL ? await fetchJson(from) : await readJson(from, `The file of keys ${from}`);
  const set = keySetSchema.safeParse(value);
  const keys = (set.data?.keys ?? []).flatMap((key) => publicKeySchema.safeParse(key).data ?? []);
  if (keys.length === 0)
    throw new Unusable(
      `${shown} has no public key of StreamSync (a JWK Set with Ed25519). It is served at /.well-known/jwks.json.`,
    );
  return { keys, from: shown };
}

async function readJson(path: string, what: string): Promise<unknown> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (cause) {
    throw new Unusable(`${what} cannot be read: ${messageOf(cause)}.`, { cause });
  }
  return parse(text, what);
}

async function fetchJson(url: URL): Promise<unknown> {
  let text: string;
  try {
    const answer = await fetch(url, { signal: AbortSignal.timeout(FETCH_SECONDS * 1_000) });
    if (!answer.ok) throw new Error(`it answers ${answer.status}`);
    text = await answer.text();
  } catch (cause) {
    throw new Unusable(
      `The public keys at ${url.href} cannot be had: ${messageOf(cause)}. Give a file of them by --keys.`,
      { cause },
    );
  }
  return parse(text, url.href);
}

function parse(text: string, what: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new Unusable(`${what} is not JSON.`, { cause });
  }
}
