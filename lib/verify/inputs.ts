/** The inputs of `npm run verify`: the file, the manifest, the public keys. */
import { type FileHandle, open, readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import type { Decrypter } from 'age-encryption';
import { z } from 'zod';
import { manifestSchema } from '../contracts/export-document.ts';
import { exportRequestFields } from '../contracts/export-request.ts';
import { csvChoices, plainCsv } from '../contracts/format-capabilities.ts';
import { type PublicKey, publicKeySchema } from '../contracts/key-set.ts';
import { errorMessage } from '../runtime/errors.ts';
import { VerifyInputError } from './errors.ts';

const fetchTimeoutSeconds = 10;

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
    throw new VerifyInputError(`The file ${path} cannot be read: ${errorMessage(cause)}.`, {
      cause,
    });
  }
}

/** The fields of a manifest that are compared with the file. All others, also future ones, are proved by the signature. */
const parsedManifestSchema = z.object({
  file: manifestSchema.shape.file,
  request: z.object({
    format: exportRequestFields.shape.format,
    compression: exportRequestFields.shape.compression.unwrap(),
    csv: z
      .object({ delimiter: z.enum(csvChoices.delimiter), newline: z.enum(csvChoices.newline) })
      .default(plainCsv),
    encryption: exportRequestFields.shape.encryption,
  }),
});

export interface ParsedManifest extends z.infer<typeof parsedManifestSchema> {
  /** The whole manifest as it was parsed, which is what the signature covers. */
  content: Readonly<Record<string, unknown>>;
}

export async function readManifest(path: string): Promise<ParsedManifest> {
  const value = await readJson(path, `The manifest ${path}`);
  const manifest = parsedManifestSchema.safeParse(value);
  if (!manifest.success || typeof value !== 'object' || value === null)
    throw new VerifyInputError(
      `${path} is not a manifest. Fetch it from /api/v1/exports/<id>/manifest, or save it from the page.`,
    );
  return { ...manifest.data, content: { ...value } };
}

export interface TrustedKeys {
  keys: PublicKey[];
  /** The URL or the file of the keys. */
  from: string;
}

const keySetSchema = z.object({ keys: z.array(z.unknown()) });

/** Returns the keys of StreamSync in a JWK Set. Other keys are ignored (RFC 7517, 5). */
export async function readKeys(from: URL | string): Promise<TrustedKeys> {
  const location = from instanceof URL ? from.href : from;
  const value =
    from instanceof URL ? await fetchJson(from) : await readJson(from, `The file of keys ${from}`);
  const set = keySetSchema.safeParse(value);
  const keys = (set.data?.keys ?? []).flatMap((key) => publicKeySchema.safeParse(key).data ?? []);
  if (keys.length === 0)
    throw new VerifyInputError(
      `${location} has no public key of StreamSync (a JWK Set with Ed25519). Use the key set that StreamSync serves at /.well-known/jwks.json.`,
    );
  return { keys, from: location };
}

/**
 * Returns what decrypts files for the identities in a file as age-keygen writes it: one on each line, and comments that
 * start with #. It throws a `VerifyInputError` for a file that is encrypted for none of them.
 */
export async function readIdentities(path: string): Promise<Decrypter> {
  const text = await readText(path, `The file of identities ${path}`);
  // Loading it takes 0.1 s, which other files do not need.
  const age = await import('age-encryption');
  const decrypter = new age.Decrypter();
  let identities = 0;
  for (const [n, line] of text.split(/\r?\n/).entries()) {
    const identity = line.trim();
    if (identity === '' || identity.startsWith('#')) continue;
    try {
      decrypter.addIdentity(identity);
    } catch {
      // Without the cause, whose message might show a part of the key.
      throw new VerifyInputError(
        `Line ${n + 1} of ${path} is not an identity of age, which starts with AGE-SECRET-KEY-1. If the file is protected by a passphrase, decrypt it with age first.`,
      );
    }
    identities++;
  }
  if (identities === 0) throw new VerifyInputError(`${path} has no identity of age.`);
  // Identities are tried in order: this one only if no other one matches.
  decrypter.addIdentity({
    unwrapFileKey: () => {
      throw new VerifyInputError(`The file is encrypted for none of the identities in ${path}.`);
    },
  });
  return decrypter;
}

async function readJson(path: string, name: string): Promise<unknown> {
  return parse(await readText(path, name), name);
}

async function readText(path: string, name: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    throw new VerifyInputError(`${name} cannot be read: ${errorMessage(cause)}.`, { cause });
  }
}

async function fetchJson(url: URL): Promise<unknown> {
  let text: string;
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(fetchTimeoutSeconds * 1_000) });
    if (!response.ok) throw new Error(`the server answered ${response.status}`);
    text = await response.text();
  } catch (cause) {
    throw new VerifyInputError(
      `The public keys at ${url.href} cannot be fetched: ${errorMessage(cause)}. Name a file with the keys by --keys.`,
      { cause },
    );
  }
  return parse(text, url.href);
}

function parse(text: string, name: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new VerifyInputError(`${name} is not JSON.`, { cause });
  }
}
