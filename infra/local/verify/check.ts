/** Holds a file against its manifest. */
import { verifyManifest } from '../../../lib/proof/signature.ts';
import type { OpenedFile, Stated, TrustedKeys } from './inputs.ts';
import { type ReadFile, readWhole } from './read.ts';

export interface Finding {
  name: string;
  holds: boolean;
  detail: string;
}

export async function check(
  file: OpenedFile,
  stated: Stated,
  trusted: TrustedKeys,
): Promise<Finding[]> {
  const read = await readWhole(file, stated.request);
  const { name, bytes, sha256 } = stated.file;
  return [
    {
      name: 'name',
      holds: file.name === name,
      // Quoted as JSON: neither is ours, and both end up on a terminal.
      detail:
        file.name === name
          ? name
          : `${JSON.stringify(file.name)}, in the manifest ${JSON.stringify(name)}`,
    },
    compared('size', read.bytes, bytes, (size) => `${exact(size)} bytes`),
    compared('SHA-256', read.sha256, sha256, String),
    rowsOf(read, stated),
    await signatureOf(stated, trusted),
  ];
}

function compared<T>(name: string, found: T, stated: T, show: (value: T) => string): Finding {
  const holds = found === stated;
  return { name, holds, detail: show(found) + (holds ? '' : `, in the manifest ${show(stated)}`) };
}

function rowsOf({ rows }: ReadFile, { file, request: { format } }: Stated): Finding {
  if (typeof rows === 'object')
    return { name: 'rows', holds: false, detail: `the file is no whole ${format}: ${rows.fault}` };
  const found = compared('rows', rows, file.rows, exact);
  // What is not decoded is not claimed: the hash proves it.
  return format === 'parquet' ? { ...found, detail: `${found.detail}, by the footer` } : found;
}

async function signatureOf({ whole }: Stated, { keys, from }: TrustedKeys): Promise<Finding> {
  const verdict = await verifyManifest(whole, keys);
  return 'kid' in verdict
    ? { name: 'signature', holds: true, detail: `by the key ${verdict.kid} of ${from}` }
    : { name: 'signature', holds: false, detail: `${verdict.refused} (keys of ${from})` };
}

const exact = (number: number): string => number.toLocaleString('en');
