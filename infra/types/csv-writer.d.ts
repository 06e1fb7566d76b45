/**
 * The part of csv-writer that is used here. The package names its TypeScript source as its types, which a strict check of
 * ours would then check, so its file is imported. It is not in `paths` of tsconfig.json, because the loader of the
 * functions would follow that at run time, too.
 */
declare module 'csv-writer/dist/index.js' {
  interface CsvStringifier<Row> {
    getHeaderString(): string | null;
    stringifyRecords(records: Iterable<Row>): string;
  }
  const csvWriter: {
    createArrayCsvStringifier(options: {
      header?: string[];
      fieldDelimiter?: string;
      recordDelimiter?: string;
      alwaysQuote?: boolean;
    }): CsvStringifier<readonly unknown[]>;
  };
  export default csvWriter;
}
