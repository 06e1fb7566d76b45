import csvWriter from 'csv-writer/dist/index.js';
import { maxCsvRows } from '../contracts/admin-lists.ts';
import type { HandlerResponse } from '../runtime/http-handler.ts';
import { formulaBegins, wideFormulaBegins } from '../sources/csv-injection.ts';

type Value = string | number | boolean | null;

/** A list that can be read page by page. */
export interface CsvList<Item> {
  header: readonly string[];
  toRow: (item: Item) => readonly Value[];
  /** Returns a page of at most `limit` items. */
  read: (
    cursor: string | undefined,
    limit: number,
  ) => Promise<{ items: Item[]; nextCursor: string | null }>;
}

const pageItems = 200;
/** Less than the largest response of Lambda, 6 MB. */
const maxBytes = 4_000_000;

/** Returns whether a caller asks for CSV. */
export const wantsCsv = (accept: string | undefined): boolean =>
  /(^|,)\s*text\/csv\s*(;|,|$)/i.test(accept ?? '');

/**
 * Returns the rows of a list as CSV: `limit` of them, by default all up to `maxCsvRows` and `maxBytes`. If there are
 * more, `Link` has the path of the next page.
 */
export async function csvResponse<Item>(
  { header, toRow, read }: CsvList<Item>,
  query: { cursor?: string | undefined; limit?: number | undefined },
  pathOfCursor: (cursor: string) => string,
): Promise<HandlerResponse> {
  const csv = csvWriter.createArrayCsvStringifier({ header: [...header] });
  const pages = [csv.getHeaderString() ?? ''];
  const maxRows = query.limit ?? maxCsvRows;
  let rows = 0;
  let bytes = 0;
  let cursor: string | null | undefined = query.cursor;
  do {
    const page = await read(cursor ?? undefined, Math.min(pageItems, maxRows - rows));
    const text = page.items.length === 0 ? '' : csv.stringifyRecords(page.items.map(toSafe(toRow)));
    pages.push(text);
    rows += page.items.length;
    bytes += Buffer.byteLength(text);
    cursor = page.nextCursor;
  } while (cursor !== null && rows < maxRows && bytes < maxBytes);
  return {
    status: 200,
    text: pages.join(''),
    headers: {
      'content-type': 'text/csv; charset=utf-8',
      ...(cursor === null ? {} : { link: `<${pathOfCursor(cursor)}>; rel="next"` }),
    },
  };
}

const toSafe =
  <Item>(toRow: (item: Item) => readonly Value[]) =>
  (item: Item): Value[] =>
    toRow(item).map((value) => (typeof value === 'string' ? safeText(value) : value));

const begins = [...formulaBegins, ...wideFormulaBegins];

/** Returns a text that no spreadsheet takes for a formula. csv-writer does not quote a lone carriage return. */
function safeText(text: string): string {
  const lines = text.replaceAll(/\r\n?/g, '\n');
  return begins.includes(lines.charAt(0)) ? `'${lines}` : lines;
}

/** Returns the path of the next page of a request. */
export const nextPath =
  (path: string, query: Readonly<Record<string, string | number | undefined>>) =>
  (cursor: string): string => {
    const parameters = new URLSearchParams();
    for (const [name, value] of Object.entries(query))
      if (value !== undefined) parameters.set(name, String(value));
    parameters.set('cursor', cursor);
    return `${path}?${parameters}`;
  };
