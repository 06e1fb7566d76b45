/**
 * What each format can do. The request schema, the form of the page and docs/formats.md follow this table. It imports
 * nothing, so that the page can use it without the schemas.
 */
export const formats = ['csv', 'json', 'ndjson', 'xlsx', 'parquet'] as const;
export type Format = (typeof formats)[number];

export const compressions = ['none', 'gzip', 'zstd', 'snappy'] as const;
type Compression = (typeof compressions)[number];

export const profiles = ['machine', 'spreadsheet'] as const;
type Profile = (typeof profiles)[number];

export const consistencies = ['snapshot', 'resumable'] as const;
type Consistency = (typeof consistencies)[number];

export const parquetTypes = ['native', 'portable'] as const;
export type ParquetTypes = (typeof parquetTypes)[number];

/** The values of the fields of `csv`. */
export const csvChoices = {
  delimiter: [',', ';', '\t', '|'],
  decimal: ['.', ','],
  quote: ['minimal', 'all'],
  newline: ['lf', 'crlf'],
} as const;

export interface CsvOptions {
  delimiter: (typeof csvChoices.delimiter)[number];
  decimal: (typeof csvChoices.decimal)[number];
  nullText: string;
  quote: (typeof csvChoices.quote)[number];
  newline: (typeof csvChoices.newline)[number];
}

/** The value of `csv` if a request does not have it. */
export const plainCsv: CsvOptions = {
  delimiter: ',',
  decimal: '.',
  nullText: '',
  quote: 'minimal',
  newline: 'lf',
};

/** Fields of a request that only one format has. */
export const ownFields = ['csv', 'parquetTypes'] as const;
type OwnField = (typeof ownFields)[number];

export interface FormatCapabilities {
  compressions: readonly Compression[];
  profiles: readonly Profile[];
  consistencies: readonly Consistency[];
  /** Whether a file can have rows of several sources. */
  severalSources: boolean;
  /** The fields that requests with other formats must not have. */
  ownFields: readonly OwnField[];
  /** Whether it can represent rows of a table without columns. */
  emptyRows: boolean;
  /** The values if a request does not have them. */
  defaults: { compression: Compression; profile: Profile };
  /** Whether the compression is inside the file, so that the file as a whole is not compressed. */
  compressesInside: boolean;
}

const text: FormatCapabilities = {
  compressions: ['none', 'gzip', 'zstd'],
  profiles: ['machine'],
  consistencies,
  severalSources: true,
  ownFields: [],
  emptyRows: true,
  defaults: { compression: 'none', profile: 'machine' },
  compressesInside: false,
};

const formatCapabilities = {
  csv: { ...text, profiles, ownFields: ['csv'] },
  json: text,
  ndjson: text,
  // A zip archive: already compressed, and impossible to assemble from unit outputs.
  xlsx: {
    compressions: ['none'],
    profiles,
    consistencies: ['snapshot'],
    severalSources: false,
    ownFields: [],
    emptyRows: false,
    defaults: { compression: 'none', profile: 'spreadsheet' },
    compressesInside: false,
  },
  // Compressed page by page; its row groups are independent.
  parquet: {
    ...text,
    compressions,
    ownFields: ['parquetTypes'],
    emptyRows: false,
    defaults: { compression: 'zstd', profile: 'machine' },
    compressesInside: true,
  },
} satisfies Record<Format, FormatCapabilities>;

/** Returns the capabilities of a format. */
export const capabilitiesOf = (format: Format): FormatCapabilities => formatCapabilities[format];

/** The extension of a compressed file, after the extension of its format. */
export const compressionExtensions = { none: '', gzip: '.gz', zstd: '.zst' } as const;

/** The extension of an encrypted file, after all others. */
export const encryptedExtension = '.age';

/** Returns how a file is compressed as a whole. */
export const fileCompressionOf = (request: {
  format: Format;
  compression: Compression;
}): keyof typeof compressionExtensions =>
  capabilitiesOf(request.format).compressesInside || request.compression === 'snappy'
    ? 'none'
    : request.compression;
