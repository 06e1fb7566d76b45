import { addAbortSignal, Readable } from 'node:stream';
import type pg from 'pg';
import type { Account } from '../../access/accounts.ts';
import { type ExportPreview, maxPreviewRows } from '../../contracts/export-preview.ts';
import type { ExportRequest } from '../../contracts/export-request.ts';
import { inspectSources } from '../../exports/planning/inspect-sources.ts';
import { withSourceColumn } from '../../exports/planning/selection.ts';
import type { Format, PreviewValue } from '../../formats/format.ts';
import { formatOf } from '../../formats/index.ts';
import { UnencodableRowError } from '../../formats/unencodable-row.ts';
import { AppError, errorCode } from '../../runtime/errors.ts';
import { pauseReasons } from '../../scheduling/pauses.ts';
import { CopyToStream } from '../../sources/copy/copy-stream.ts';
import { type CopyEncoding, hashFields } from '../../sources/copy/hash-fields.ts';
import type { SourceColumn } from '../../sources/datasets.ts';
import { type Asker, askedBy, askSource } from '../../sources/question.ts';
import { assertNotLagging } from '../../sources/replication-lag.ts';
import { rowErrorToAppError } from './encode-rows.ts';
import { onePreview } from './preview-lock.ts';

/** Limit for all sources together; the server cancels a statement when the time is over. */
const maxSeconds = 5;
/** Limit for the bytes that one source sends. */
const maxBytes = 4 * 1_024 * 1_024;
/** The preview must fit into the response of a function, 6 MB. */
const maxCharacters = 1_000_000;
const maxValueCharacters = 1_000;
const maxTextBytes = 64 * 1_024;

/**
 * Returns the first rows as they would be in the file, read by the COPY of an export and written by its encoder. Throws
 * the errors that creating the export would, except for its size, the errors that would fail the export within these
 * rows, and `too_many_requests` while another preview of the account is read.
 */
export function previewExport(owner: Account, request: ExportRequest): Promise<ExportPreview> {
  return onePreview(owner.id, () => preview(owner, request));
}

async function preview(owner: Account, request: ExportRequest): Promise<ExportPreview> {
  const inspections = await inspectSources(owner, request);
  await requireNotPaused(request.sources);
  const format = formatOf(request);
  const asker = askedBy(owner, maxSeconds * 1_000);
  const rows: PreviewValue[][] = [];
  const results: CopiedRows[] = [];
  let columns: SourceColumn[] = [];
  for (const inspection of inspections) {
    if (rows.length === maxPreviewRows || results.some(({ whole }) => !whole)) break;
    const selection = withSourceColumn(inspection.selection, inspection.source, request);
    const statement = format.copy({ ...selection, limit: maxPreviewRows - rows.length });
    columns = selection.columns;
    const result = await copyFirst({
      source: inspection.source,
      statement,
      columns,
      encoding: format.copyEncoding,
      request,
      asker,
    });
    rows.push(...previewOf(format, columns, result.bytes, rows.length));
    results.push(result);
  }
  return {
    columns: columns.map((column) => ({
      name: column.name,
      databaseType: column.type,
      fileType: format.fileType(column),
    })),
    ...shortened(rows),
    tooLarge: results.some(({ whole }) => !whole),
    ...(format.isText
      ? await beginningOfFile(format, columns, results, request)
      : { text: null, textCut: false }),
  };
}

function previewOf(
  format: Format,
  columns: readonly SourceColumn[],
  copyBytes: Buffer,
  rowsBefore: number,
): PreviewValue[][] {
  try {
    // A row without columns is an empty line, which is parsed as one NULL.
    return format.preview(columns, copyBytes).map((values) => values.slice(0, columns.length));
  } catch (error) {
    throw error instanceof UnencodableRowError ? rowErrorToAppError(error, rowsBefore) : error;
  }
}

async function requireNotPaused(sources: readonly string[]): Promise<void> {
  const reasons = await pauseReasons();
  for (const source of sources) {
    const reason = reasons.get(source);
    if (reason !== undefined)
      throw new AppError(
        'source_unavailable',
        `${source} is paused by your administrator: ${reason}. Previews are not available now. An export waits until the source is resumed.`,
      );
  }
}

interface PreviewRead {
  source: string;
  statement: string;
  columns: readonly SourceColumn[];
  encoding: CopyEncoding;
  request: ExportRequest;
  asker: Asker;
}

interface CopiedRows {
  bytes: Buffer;
  /** False if reading stopped at `maxBytes`. */
  whole: boolean;
}

/**
 * Returns the first rows of a source. Closes the connection if rows are left, so that the server ends the statement.
 */
async function copyFirst({
  source,
  statement,
  columns,
  encoding,
  request,
  asker,
}: PreviewRead): Promise<CopiedRows> {
  const query = async (client: pg.ClientBase, giveUp: () => void): Promise<CopiedRows> => {
    // If waiting for a connection took all the time, 1 ms remains, and the preview times out.
    const remainingMs = Math.max(1, Math.ceil(asker.end - performance.now()));
    await client.query(
      `set local statement_timeout = ${remainingMs}; set local application_name = 'streamsync:preview'`,
    );
    await assertNotLagging(client, source);
    // The timeout of the server comes first. This one is for a server that does not respond.
    const stream = addAbortSignal(
      AbortSignal.timeout(remainingMs + 500),
      client.query(new CopyToStream(statement)),
    );
    const chunks: Buffer[] = [];
    let bytes = 0;
    for await (const chunk of hashFields(buffersOf(stream), columns, { encoding })) {
      chunks.push(chunk);
      bytes += chunk.length;
      if (bytes <= maxBytes) continue;
      giveUp();
      return { bytes: Buffer.concat(chunks), whole: false };
    }
    return { bytes: Buffer.concat(chunks), whole: true };
  };
  try {
    return await askSource(source, { ...asker, end: asker.end + 1_000 }, query);
  } catch (cause) {
    throw /^(source_timeout|ABORT_ERR)$/.test(errorCode(cause) ?? '')
      ? previewTimeout(source, request, cause)
      : cause;
  }
}

function previewTimeout(source: string, request: ExportRequest, cause: unknown): AppError {
  return new AppError(
    'source_timeout',
    `${source} did not return the first rows of ${request.dataset} within ${maxSeconds} seconds. ${previewAdvice(request)} An export has more time.`,
    { cause },
  );
}

function previewAdvice({ order, from, to }: ExportRequest): string {
  if (order === 'time')
    return 'Without an index on the time column all rows are read to sort them. Preview with order any, or a shorter range.';
  return from === undefined || to === undefined
    ? 'Preview a shorter range, or remove conditions that few rows meet.'
    : 'Preview another range, or remove conditions that few rows meet.';
}

async function* buffersOf(stream: AsyncIterable<unknown>): AsyncGenerator<Buffer> {
  for await (const chunk of stream) {
    if (!Buffer.isBuffer(chunk)) throw new Error('COPY returned a chunk that is not a Buffer');
    yield chunk;
  }
}

/** Returns the rows with long values cut, and a list of the cut values. */
function shortened(rows: readonly PreviewValue[][]): Pick<ExportPreview, 'rows' | 'cut'> {
  const count = rows.length * (rows[0]?.length ?? 0);
  const max = Math.min(maxValueCharacters, Math.floor(maxCharacters / count));
  const cut: ExportPreview['cut'] = [];
  const short = rows.map((values, row) =>
    values.map((value, column) => {
      if (value === null || value.length <= max) return value;
      cut.push({ row, column, characters: value.length });
      // Removes the first half of a surrogate pair that was cut.
      return value.slice(0, max).replace(/[\ud800-\udbff]$/, '');
    }),
  );
  return { rows: short, cut };
}

/** Returns the first bytes of the file as text. */
async function beginningOfFile(
  format: Format,
  columns: SourceColumn[],
  results: readonly CopiedRows[],
  { compression }: ExportRequest,
): Promise<Pick<ExportPreview, 'text' | 'textCut'>> {
  const chunks = [format.header(columns)];
  let rowsBefore = false;
  for (const { bytes } of results) {
    if (bytes.length === 0) continue;
    chunks.push(format.separator(rowsBefore));
    rowsBefore = true;
    const source = Readable.from(chunksOf(bytes));
    let length = 0;
    for await (const chunk of format.encoder(columns, compression).encode(source)) {
      // The encoder may reuse the chunk when the next one is requested.
      chunks.push(Buffer.from(chunk));
      length += chunk.length;
      // Rows may be cut at the end of the bytes: the encoder must not read that far.
      if (length > maxTextBytes) break;
    }
  }
  const beginning = Buffer.concat(chunks);
  // Keeps the byte order mark that spreadsheets need, and omits a character that is cut.
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  const text = decoder.decode(beginning.subarray(0, maxTextBytes), { stream: true });
  return { text, textCut: beginning.length > maxTextBytes };
}

function* chunksOf(bytes: Buffer): Generator<Buffer> {
  for (let start = 0; start < bytes.length; start += maxTextBytes)
    yield bytes.subarray(start, start + maxTextBytes);
}
