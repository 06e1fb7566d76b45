import { inflateSync } from 'node:zlib';
import * as files from 'cctv-age';

/** A test vector of age for X25519, in binary form (https://c2sp.org/CCTV/age). */
export interface AgeVector {
  name: string;
  file: Buffer;
  /** `success`, or what of the file is wrong. */
  expected: string;
  identity: string;
  fileKey: Buffer;
  /** SHA-256 of the content that can be decrypted. */
  sha256: string;
}

/** Returns the vectors for X25519; those for passphrases, other recipients and armor are for other programs. */
export function ageVectors(): AgeVector[] {
  return Object.entries(files).flatMap(([name, bytes]) => {
    const vector = Buffer.from(bytes);
    const end = vector.indexOf('\n\n');
    const fields = new Map(
      vector
        .subarray(0, end)
        .toString()
        .split('\n')
        .map((line) => {
          const [key = '', value = ''] = line.split(': ');
          return [key, value] as const;
        }),
    );
    const identity = fields.get('identity') ?? '';
    if (
      !identity.startsWith('AGE-SECRET-KEY-1') ||
      fields.has('armored') ||
      fields.has('passphrase')
    )
      return [];
    const file = vector.subarray(end + 2);
    return [
      {
        name,
        file: fields.get('compressed') === 'zlib' ? inflateSync(file) : file,
        expected: fields.get('expect') ?? '',
        identity,
        fileKey: Buffer.from(fields.get('file key') ?? '', 'hex'),
        sha256: fields.get('payload') ?? '',
      },
    ];
  });
}
