/** Compares a file with its manifest. */
import type { Decrypter } from 'age-encryption';
import { verifyManifest } from '../proof/signature.ts';
import type { OpenedFile, ParsedManifest, TrustedKeys } from './inputs.ts';
import { type ReadFile, readWholeFile } from './read-file.ts';

export interface VerifyFinding {
  name: string;
  /** Null: it was not checked, and `detail` says why. */
  matches: boolean | null;
  detail: string;
}

/** @param decrypter of an encrypted file; null: its contents are not checked */
export async function check(
  file: OpenedFile,
  manifest: ParsedManifest,
  trusted: TrustedKeys,
  decrypter: Decrypter | null,
): Promise<VerifyFinding[]> {
  const read = await readWholeFile(file, manifest.request, decrypter);
  const { name, bytes, sha256 } = manifest.file;
  return [
    {
      name: 'name',
      matches: file.name === name,
      // Quoted as JSON, because both names come from outside and are printed on a terminal.
      detail:
        file.name === name
          ? name
          : `${JSON.stringify(file.name)}, in the manifest ${JSON.stringify(name)}`,
    },
    compare('size', read.bytes, bytes, (size) => `${formatExact(size)} bytes`),
    compare('SHA-256', read.sha256, sha256, String),
    compareRows(read, manifest),
    await checkSignature(manifest, trusted),
  ];
}

function compare<T>(
  name: string,
  actual: T,
  expected: T,
  format: (value: T) => string,
): VerifyFinding {
  const matches = actual === expected;
  return {
    name,
    matches,
    detail: format(actual) + (matches ? '' : `, in the manifest ${format(expected)}`),
  };
}

function compareRows(
  { rows }: ReadFile,
  { file, request: { format } }: ParsedManifest,
): VerifyFinding {
  if (rows === null)
    return {
      name: 'rows',
      matches: null,
      detail: 'the contents are encrypted; --identity <file> decrypts and counts them',
    };
  if (typeof rows === 'object')
    return {
      name: 'rows',
      matches: false,
      detail: `the file is not a complete ${format} file: ${rows.reason}`,
    };
  const finding = compare('rows', rows, file.rows, formatExact);
  // The pages of Parquet are not decoded; the hash proves their content.
  return format === 'parquet'
    ? { ...finding, detail: `${finding.detail}, by the footer` }
    : finding;
}

async function checkSignature(
  { content }: ParsedManifest,
  { keys, from }: TrustedKeys,
): Promise<VerifyFinding> {
  const verdict = await verifyManifest(content, keys);
  return 'kid' in verdict
    ? { name: 'signature', matches: true, detail: `by the key ${verdict.kid} from ${from}` }
    : { name: 'signature', matches: false, detail: `${verdict.rejected} (keys from ${from})` };
}

const formatExact = (number: number): string => number.toLocaleString('en');
