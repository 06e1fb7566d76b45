import { addAbortSignal, Readable } from 'node:stream';
import type { Account } from '../access/accounts.ts';
import { type ExportPreview, mostPreviewRows } from '../contracts/export-preview.ts';
import type { ExportRequest } from '../contracts/export-request.ts';
import { lookAt } from '../exports/look.ts';
import { withSourceColumn } from '../exports/selection.ts';
import type { Format, Shown } from '../formats/format.ts';
import { formatOf } from '../formats/index.ts';
import { UnfitRow } from '../formats/unfit-row.ts';
import { codeOf, Refusal } from '../runtime/errors.ts';
import { pauseReasons } from '../scheduling/pauses.ts';
import { previewPool } from '../sources/connection.ts';
import { CopyOut } from '../sources/copy-out.ts';
import type { SourceColumn } from '../sources/datasets.ts';
import { requireFresh } from '../sources/guard.ts';
import { faultOf } from './faults.ts';
import { refusalOfRow } from './write-rows.ts';

/** All sources together may take this long; a statement is ended by its server when the time is over. */
const mostSeconds = 5;
/** Of what the sources send. */
const mostBytes = 4 * 1_024 * 1_024;
/** What is answered has to fit into the answer of a function, 6 MB. */
const mostCharacters = 1_000_000;
const mostCharactersOfValue = 1_000;
const mostTextBytes = 64 * 1_024;

/**
 * The first rows as they would stand in the file, read by the COPY of an export and written by its
 * encoder. Nothing is made of it. Throws the refusals that asking for the export would, but for its size,
 * and what would end the export within these rows.
 */
export async function previewExport(
  owner: Account,
  request: ExportRequest,
): Promise<ExportPreview> {
  const looks = await lookAt(owner, request);
  await requireRunning(request.sources);
  const format = formatOf(request);
  const end = performance.now() + mostSeconds * 1_000;
  const rows: Shown[][] = [];
  const sent: Copied[] = [];
  let columns: SourceColumn[] = [];
  for (const look of looks) {
    if (rows.length === mostPreviewRows || sent.some(({ whole }) => !whole)) break;
    const selection = withSourceColumn(look.selection, look.source, request);
    const statement = format.copy({ ...selection, limit: mostPreviewRows - rows.length });
    const read = { source: look.source, statement, request, end };
    const copied = await answered(read, () => copyFirst(read));
    columns = selection.columns;
    rows.push(...showing(format, columns, copied.bytes, rows.length));
    sent.push(copied);
  }
  return {
    columns: columns.map((column) => ({
      name: column.name,
      databaseType: column.type,
      fileType: format.fileType(column),
    })),
    ...shortened(rows),
    tooLarge: sent.some(({ whole }) => !whole),
    ...(format.isText
      ? await beginning(format, columns, sent, request)
      : { text: null, textCut: false }),
  };
}

function showing(
  format: Format,
  columns: readonly SourceColumn[],
  copied: Buffer,
  rowsBefore: number,
): Shown[][] {
  try {
    return format.show(columns, copied);
  } catch (error) {
    throw error instanceof UnfitRow ? refusalOfRow(error, rowsBefore) : error;
  }
}

async function requireRunning(sources: readonly string[]): Promise<void> {
  const reasons = await pauseReasons();
  for (const source of sources) {
    const reason = reasons.get(source);
    if (reason !== undefined)
      throw new Refusal(
        'source_unavailable',
        `${source} is paused by your administrator: ${reason}. Nothing is read from it now; an export can be asked for and waits.`,
      );
  }
}

interface Reading {
  source: string;
  statement: string;
  request: ExportRequest;
  /** By `performance.now()`. */
  end: number;
}

interface Copied {
  bytes: Buffer;
  /** All that the statement gives. */
  whole: boolean;
}

/** On a connection that is given up if anything is left of the statement: its server then ends that. */
async function copyFirst({ source, statement, end }: Reading): Promise<Copied> {
  const client = await previewPool(source).connect();
  let done = false;
  try {
    const left = Math.ceil(end - performance.now());
    if (left <= 0) throw overtime();
    await client.query(
      `begin isolation level repeatable read read only; set local statement_timeout = ${left}`,
    );
    await requireFresh(client, source);
    // The server's own timeout comes first, unless it cannot be heard.
    const stream = addAbortSignal(
      AbortSignal.timeout(left + 500),
      client.query(new CopyOut(statement)),
    );
    const pieces: Buffer[] = [];
    let bytes = 0;
    for await (const piece of stream) {
      if (!Buffer.isBuffer(piece)) throw new Error('COPY gave something that is not bytes');
      pieces.push(piece);
      bytes += piece.length;
      if (bytes > mostBytes) return { bytes: Buffer.concat(pieces), whole: false };
    }
    await client.query('commit');
    done = true;
    return { bytes: Buffer.concat(pieces), whole: true };
  } finally {
    client.release(!done);
  }
}

const overtime = (): Error => Object.assign(new Error('no time is left'), { code: '57014' });

/** What the source says no to, in words for the person who looks. */
async function answered<T>({ source, request }: Reading, ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (cause) {
    if (cause instanceof Refusal) throw cause;
    const isOvertime = /^(57014|ABORT_ERR)$/.test(codeOf(cause) ?? '');
    if (isOvertime)
      throw new Refusal(
        'source_timeout',
        `${source} did not give the first rows of ${request.dataset} within ${mostSeconds} seconds. ${wayOut(request)} An export has the time that it needs.`,
        { cause },
      );
    const { code, message } = faultOf(cause, source);
    throw new Refusal(code, message, { cause });
  }
}

const wayOut = ({ order, from, to }: ExportRequest): string => {
  if (order === 'time')
    return 'To put them in the order of time all of them have to be read where there is no index on it: look at them with order any, or at a shorter range.';
  return from === undefined || to === undefined
    ? 'Look at a shorter range, or leave out conditions that few rows meet.'
    : 'Look at another range, or leave out conditions that few rows meet.';
};

/** Values that are too long to look at lose their end, and are named. */
function shortened(rows: readonly Shown[][]): Pick<ExportPreview, 'rows' | 'cut'> {
  const count = rows.length * (rows[0]?.length ?? 0);
  const most = Math.min(mostCharactersOfValue, Math.floor(mostCharacters / count));
  const cut: ExportPreview['cut'] = [];
  const short = rows.map((values, row) =>
    values.map((value, column) => {
      if (value === null || value.length <= most) return value;
      cut.push({ row, column, characters: value.length });
      // Half of a character of two units is none.
      return value.slice(0, most).replace(/[\ud800-\udbff]$/, '');
    }),
  );
  return { rows: short, cut };
}

/** The first bytes of the file itself, as text. */
async function beginning(
  format: Format,
  columns: SourceColumn[],
  sent: readonly Copied[],
  { compression }: ExportRequest,
): Promise<Pick<ExportPreview, 'text' | 'textCut'>> {
  const pieces = [format.prologue(columns)];
  let rowsBefore = false;
  for (const { bytes } of sent.filter((it) => it.bytes.length > 0)) {
    pieces.push(format.glue(rowsBefore));
    rowsBefore = true;
    const source = Readable.from(piecesOf(bytes));
    let length = 0;
    for await (const piece of format.encoder(columns, compression).encode(source)) {
      // Its own only until the next is asked for.
      pieces.push(Buffer.from(piece));
      length += piece.length;
      // Of rows that were not read to their end the encoder is not to see it.
      if (length > mostTextBytes) break;
    }
  }
  const all = Buffer.concat(pieces);
  // Keeps the mark that a spreadsheet needs, and leaves out a character that is cut.
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  const text = decoder.decode(all.subarray(0, mostTextBytes), { stream: true });
  return { text, textCut: all.length > mostTextBytes };
}

function* piecesOf(bytes: Buffer): Generator<Buffer> {
  for (let at = 0; at < bytes.length; at += mostTextBytes)
    yield bytes.subarray(at, at + mostTextBytes);
}
