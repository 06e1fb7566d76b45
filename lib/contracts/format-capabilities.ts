/**
 * What each format of a file can do: the one table that the contract, the form of the page and docs/formats.md go
 * by. It imports nothing, so that the page has it without the schema.
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

/** What the fields of `csv` can be. */
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

/** What a request has that leaves `csv` out. */
export const plainCsv: CsvOptions = {
  delimiter: ',',
  decimal: '.',
  nullText: '',
  quote: 'minimal',
  newline: 'lf',
};

/** Fields of a request that are of one format alone. */
export const ownFields = ['csv', 'parquetTypes'] as const;
type OwnField = (typeof ownFields)[number];

export interface FormatCapabilities {
  compressions: readonly Compression[];
  profiles: readonly Profile[];
  consistencies: readonly Consistency[];
  /** Whether one file can have the rows of several sources. */
  severalSources: boolean;
  /** The fields that other formats refuse. */
  ownFields: readonly OwnField[];
  /** Whether it has rows in which there is nothing, those of a table without columns. */
  emptyRows: boolean;
  /** Where a request leaves these out. */
  defaults: { compression: Compression; profile: Profile };
}

const text: FormatCapabilities = {
  compressions: ['none', 'gzip', 'zstd'],
  profiles: ['machine'],
  consistencies,
  severalSources: true,
  ownFields: [],
  emptyRows: true,
  defaults: { compression: 'none', profile: 'machine' },
};

const formatCapabilities = {
  csv: { ...text, profiles, ownFields: ['csv'] },
  json: text,
  ndjson: text,
  // A zip archive: compressed as it is, and not to be put together out of units.
  xlsx: {
    compressions: ['none'],
    profiles,
    consistencies: ['snapshot'],
    severalSources: false,
    ownFields: [],
    emptyRows: false,
    defaults: { compression: 'none', profile: 'spreadsheet' },
  },
  // Compressed page by page on the inside; its row groups know nothing of each other.
  parquet: {
    ...text,
    compressions,
    ownFields: ['parquetTypes'],
    emptyRows: false,
    defaults: { compression: 'zstd', profile: 'machine' },
  },
} satisfies Record<Format, FormatCapabilities>;

/** Returns the row of a format. */
export const capabilitiesOf = (format: Format): FormatCapabilities => formatCapabilities[format];
