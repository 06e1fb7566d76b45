import { isDeepStrictEqual } from 'node:util';
import type { Manifest } from '../contracts/export-document.ts';
import { encryptedExtension } from '../contracts/format-capabilities.ts';
import { encryptedContentType } from '../encryption/encrypt.ts';
import { fileNameOf } from '../exports/file-name.ts';
import { compressionOf } from '../formats/compression.ts';
import { formatOf } from '../formats/index.ts';
import { AppError } from '../runtime/errors.ts';
import type { Claim, FileResult, UnitOutput } from '../scheduling/claim-types.ts';

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

/**
 * Returns the size, hash and unsigned manifest of a file. Throws `dataset_changed` if the unit outputs differ in their
 * columns.
 */
export function buildFileResult(
  { exportId, request, ownerEmail }: Claim,
  unitOutputs: readonly UnitOutput[],
  { bytes, sha256 }: { bytes: number; sha256: string },
): FileResult {
  const [first] = unitOutputs;
  if (!first) throw new Error('the file has no unit outputs');
  if (!unitOutputs.every(({ columns }) => isDeepStrictEqual(columns, first.columns)))
    throw new AppError(
      'dataset_changed',
      'The columns of the dataset changed while it was exported. Export it again.',
    );
  const rows = sum(unitOutputs.map((output) => output.rows));
  const snapshotTimes = unitOutputs.map(({ asOf }) => Date.parse(asOf));
  const manifest: Manifest = {
    exportId,
    request,
    file: { name: fileNameOf(request, exportId, extensionOf(request)), bytes, rows, sha256 },
    truncated: false,
    consistency: request.consistency,
    columns: first.columns,
    sources: request.sources.map((source) => sourceOf(request, source, unitOutputs)),
    skewSeconds: (Math.max(...snapshotTimes) - Math.min(...snapshotTimes)) / 1_000,
    createdBy: ownerEmail,
  };
  return { rows, bytes, sha256, manifest };
}

function sourceOf(
  { consistency }: Claim['request'],
  name: string,
  allOutputs: readonly UnitOutput[],
): Manifest['sources'][number] {
  const unitOutputs = allOutputs.filter(({ source }) => source === name);
  // Changes after the earliest snapshot may be in one unit and missing in another.
  const [earliest] = unitOutputs.toSorted((a, b) => Date.parse(a.asOf) - Date.parse(b.asOf));
  if (!earliest) throw new Error(`the file has no unit output of ${name}`);
  const units = unitOutputs.map(({ rows, asOf, lsn }) => ({ rows, asOf, lsn }));
  return {
    name,
    ...earliest.dataset,
    rows: sum(unitOutputs.map(({ rows }) => rows)),
    rowsWithoutTime: sum(unitOutputs.map(({ rowsWithoutTime }) => rowsWithoutTime)),
    ...(unitOutputs.some(({ rowSecurity }) => rowSecurity) ? { rowSecurity: true } : {}),
    asOf: earliest.asOf,
    lsn: earliest.lsn,
    ...(earliest.cursor === undefined ? {} : { cursor: earliest.cursor }),
    ...(consistency === 'resumable' ? { units } : {}),
  };
}

function extensionOf(request: Claim['request']): string {
  const plain = formatOf(request).extension + compressionOf(request).extension;
  return request.encryption ? plain + encryptedExtension : plain;
}

/** Returns the media type of the file: of the encryption, else of the compression, else of the format. */
export function contentTypeOf(request: Claim['request']): string {
  if (request.encryption) return encryptedContentType;
  return compressionOf(request).contentType ?? formatOf(request).contentType;
}
