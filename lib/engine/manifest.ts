import { isDeepStrictEqual } from 'node:util';
import type { Manifest } from '../contracts/export-document.ts';
import { compressionOf } from '../formats/compression.ts';
import { formatOf } from '../formats/index.ts';
import { Refusal } from '../runtime/errors.ts';
import type { Claim, Outcome, Piece } from '../scheduling/attempt.ts';
import { fileNameOf } from './file-name.ts';

const sum = (numbers: readonly number[]): number => numbers.reduce((all, next) => all + next, 0);

/** What a file is that was made of these pieces, and the proof of it. */
export function outcomeOf(
  { exportId, request, ownerEmail }: Claim,
  pieces: readonly Piece[],
  { bytes, sha256 }: { bytes: number; sha256: string },
): Outcome {
  const [first] = pieces;
  if (!first) throw new Error('a file without pieces');
  if (!pieces.every(({ columns }) => isDeepStrictEqual(columns, first.columns)))
    throw new Refusal(
      'dataset_changed',
      'The columns of the dataset changed while it was exported. Ask for it again.',
    );
  const rows = sum(pieces.map((piece) => piece.rows));
  const moments = pieces.map(({ asOf }) => Date.parse(asOf));
  const manifest: Manifest = {
    exportId,
    request,
    file: { name: fileNameOf(request, exportId, extensionOf(request)), bytes, rows, sha256 },
    truncated: false,
    consistency: request.consistency,
    columns: first.columns,
    sources: request.sources.map((source) => sourceOf(request, source, pieces)),
    skewSeconds: (Math.max(...moments) - Math.min(...moments)) / 1_000,
    createdBy: ownerEmail,
  };
  return { rows, bytes, sha256, manifest };
}

function sourceOf(
  { consistency }: Claim['request'],
  name: string,
  all: readonly Piece[],
): Manifest['sources'][number] {
  const pieces = all.filter(({ source }) => source === name);
  // The moment from which on nothing is promised to be as it was.
  const [earliest] = pieces.toSorted((a, b) => Date.parse(a.asOf) - Date.parse(b.asOf));
  if (!earliest) throw new Error(`a file without rows or their absence of ${name}`);
  const units = pieces.map(({ rows, asOf, lsn }) => ({ rows, asOf, lsn }));
  return {
    name,
    ...earliest.dataset,
    rows: sum(pieces.map(({ rows }) => rows)),
    rowsWithoutTime: sum(pieces.map(({ rowsWithoutTime }) => rowsWithoutTime)),
    ...(pieces.some(({ rowSecurity }) => rowSecurity) ? { rowSecurity: true } : {}),
    asOf: earliest.asOf,
    lsn: earliest.lsn,
    ...(consistency === 'resumable' ? { units } : {}),
  };
}

const extensionOf = (request: Claim['request']): string =>
  formatOf(request).extension + compressionOf(request).extension;

/** The media type of the file: that of what is in it only if it is not compressed. */
export const contentTypeOf = (request: Claim['request']): string =>
  compressionOf(request).contentType ?? formatOf(request).contentType;
