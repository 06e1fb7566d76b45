/**
 * What one worker may hold in memory while it makes a file, in one table: every buffer that is as large as a constant
 * says has its size and its number here, and the code that allocates it takes both from here. The sum is the bound of
 * a worker for rows of usual length, whatever the size of the export. `memory-budget.test.ts` compares it with the
 * smallest memory that a deployment may give the worker; docs/performance.md has what was measured.
 *
 * Outside of the table: a row that is longer than a buffer needs its own length several times while it is encoded, and
 * a source that is read by more than `maxReaders` connections needs `readAhead` chunks for each further one. A table of
 * hundreds of columns keeps, for each, the buffer of its largest page so far.
 */
const kibibyte = 1_024;
const mebibyte = 1_024 * kibibyte;

interface BudgetRow {
  what: string;
  /** Of one of them. */
  bytes: number;
  /** How many there are at a time. */
  count: number;
}

/** Readers of one source for which there is room; the usual number is 2. */
const maxReaders = 8;
/** Readers of one source for a Parquet file, which need more memory. */
const maxParquetReaders = 4;
/** COPY chunks that each reader may have waiting before its turn: 4 MiB. */
const readAhead = 16;
/** The thread that moves bytes, and the worker thread that encodes. */
const threads = 2;
/** Parts of an upload that are on their way to the storage. */
const partsInFlight = 3;
/** Data pages being compressed, of all connections: more would wait for one of the two cores. */
const pagesInFlight = 2;
const rowGroupBytes = 16 * mebibyte;
const pageBytes = 640 * kibibyte;

export const memoryBudget = {
  code: { what: 'Node and the code of the worker, measured', bytes: 100 * mebibyte, count: 1 },
  workerThread: { what: 'a worker thread and its code, measured', bytes: 30 * mebibyte, count: 1 },
  youngGeneration: {
    what: "V8's young generation: three semi-spaces of 2 MiB (--max-semi-space-size)",
    bytes: 6 * mebibyte,
    count: threads,
  },
  garbage: {
    what: 'buffers that nothing refers to any more, before a collection is asked for',
    bytes: 16 * mebibyte,
    count: threads,
  },
  copyChunk: {
    what: 'chunks of COPY streams, read ahead or being encoded',
    bytes: 256 * kibibyte,
    count: maxReaders * readAhead,
  },
  kernelInput: {
    what: 'received bytes of a connection, and what was left of the last row, for a kernel',
    bytes: 384 * kibibyte,
    count: maxReaders,
  },
  kernelText: {
    // A chunk, and the longest row, whose every byte may become six.
    what: 'text that a kernel writes, before it is a chunk',
    bytes: 2.25 * mebibyte,
    count: maxReaders,
  },
  kernelPages: {
    what: 'values of Parquet pages that a kernel fills, and of one that it encodes, for a connection',
    bytes: rowGroupBytes + mebibyte,
    count: maxParquetReaders,
  },
  workerOutput: {
    what: 'encoded chunks on their way from the worker thread',
    bytes: 512 * kibibyte,
    count: 32,
  },
  binaryRows: {
    what: 'the buffer in which rows of COPY BINARY are parsed',
    bytes: 4 * mebibyte,
    count: 1,
  },
  openPages: {
    // The buffers double as they fill, and all columns together have no more than a row group.
    what: 'values of Parquet pages that are not full yet',
    bytes: 2 * rowGroupBytes,
    count: 1,
  },
  rowGroup: {
    what: 'compressed pages of an open row group, for each connection',
    bytes: rowGroupBytes,
    count: maxParquetReaders,
  },
  pageBuffer: {
    what: 'pages of Parquet being compressed, and as many that wait: the page, its last value, its levels',
    bytes: pageBytes + 128 * kibibyte,
    count: 2 * pagesInFlight,
  },
  sheetCompressor: {
    what: 'the compressor of a sheet of XLSX, and its output buffer',
    bytes: 256 * kibibyte,
    count: 1,
  },
  pageCompressor: {
    what: 'a zstd compressor, which has 1.5 MiB, and its output buffer of 1 MiB',
    bytes: 2.5 * mebibyte,
    count: pagesInFlight,
  },
  uploadPart: {
    // The first 1,000 have 5 MiB.
    what: 'parts of a multipart upload of more than 5,000 MiB: those on their way, and the one being filled',
    bytes: 64 * mebibyte,
    count: partsInFlight + 1,
  },
} satisfies Record<string, BudgetRow>;

/** Sizes and numbers that are shares of rows of the table. */
export const memoryLimits = {
  maxParquetReaders,
  readAhead,
  /** COPY chunks sent to a worker thread that it has not asked for; they are of `copyChunk`. */
  workerInput: 4,
  /** COPY chunks with the XML of a sheet that are being compressed or wait for that; they are of `copyChunk`. */
  sheetChunks: 8,
  /** Of the output of a sheet's compressor, part of `sheetCompressor`. */
  deflateOutputBytes: 64 * kibibyte,
  partsInFlight,
  pagesInFlight,
  pageBytes,
  /** Of `kernelPages`, the pages that are not full yet. */
  openPages: rowGroupBytes,
  /** Output buffers of the compressors of pages: of zstd, part of `pageCompressor`, and of gzip. */
  zstdOutputBytes: mebibyte,
  gzipOutputBytes: 128 * kibibyte,
  /** A column's buffer that grew larger, for one long value, is released after the page. */
  columnBufferKept: 4 * mebibyte,
  /** Of each of the first 1,000 parts of an upload. */
  firstPartBytes: 5 * mebibyte,
};

/** Returns the sum of the table in bytes. */
export const budgetBytes = (): number =>
  Object.values(memoryBudget).reduce((sum, { bytes, count }) => sum + bytes * count, 0);
