/** The part of csv-writer that is used here. */
interface CsvStringifier<Row> {
  getHeaderString(): string | null;
  stringifyRecords(records: Iterable<Row>): string;
}
export function createArrayCsvStringifier(options: {
  header?: string[];
  fieldDelimiter?: string;
  recordDelimiter?: string;
  alwaysQuote?: boolean;
}): CsvStringifier<readonly unknown[]>;
