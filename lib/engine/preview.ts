import { addAbortSignal, Readable } from 'node:stream';
import type pg from 'pg';
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
import { CopyOut } from '../sources/copy-out.ts';
import type { SourceColumn } from '../sources/datasets.ts';
import { requireFresh } from '../sources/guard.ts';
import { type Asker, askedBy, askSource } from '../sources/question.ts';
import { onePreview } from './preview-turn.ts';
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
 * what would end the export within these rows, and `too_many_requests` while another preview of the account
 * is read.
 */
export const previewExport = (owner: Account, request: ExportRequest): Promise<ExportPreview> =>
  onePreview(owner.id, () => preview(owner, request));

async function preview(owner: Account, request: ExportRequest): Promise<ExportPreview> {
  const looks = await lookAt(owner, request);
  await requireRunning(request.sources);
  const format = formatOf(request);
  const asker = askedBy(owner, mostSeconds * 1_000);
  const rows: Shown[][] = [];
  const sent: Copied[] = [];
  let columns: SourceColumn[] = [];
  for (const look of looks) {
    if (rows.length === mostPreviewRows || sent.some(({ whole }) => !whole)) break;
    const selection = withSourceColumn(look.selection, look.source, request);
    const statement = format.copy({ ...selection, limit: mostPreviewRows - rows.length });
    const copied = await copyFirst({ source: look.source, statement, request, asker });
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
    // A row without columns is an empty line, which elsewhere is one NULL.
    return format.show(columns, copied).map((values) => values.slice(0, columns.length));
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
  asker: Asker;
}

interface Copied {
  bytes: Buffer;
  /** All that the statement gives. */
  whole: boolean;
}

/** On a connection that is given up if anything is left of the statement: its server then ends that. */
async function copyFirst({ source, statement, request, asker }: Reading): Promise<Copied> {
  const ask = async (client: pg.ClientBase, giveUp: () => void): Promise<Copied> => {
    // Whoever waited for a connection until now gets no more than the answer that it is too late.
    const left = Math.max(1, Math.ceil(asker.end - performance.now()));
    await client.query(
      `set local statement_timeout = ${left}; set local application_name = 'streamsync:preview'`,
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
      if (bytes <= mostBytes) continue;
      giveUp();
      return { bytes: Buffer.concat(pieces), whole: false };
    }
    return { bytes: Buffer.concat(pieces), whole: true };
  };
  try {
    return await askSource(source, { ...asker, end: asker.end + 1_000 }, ask);
  } catch (cause) {
    throw /^(source_timeout|ABORT_ERR)$/.test(codeOf(cause) ?? '')
      ? overtime(source, request, cause)
      : cause;
  }
}

const overtime = (source: string, request: ExportRequest, cause: unknown): Refusal =>
  new Refusal(
    'source_timeout',
    `${source} did not give the first rows of ${request.dataset} within ${mostSeconds} seconds. ${wayOut(request)} An export has the time that it needs.`,
    { cause },
  );

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
