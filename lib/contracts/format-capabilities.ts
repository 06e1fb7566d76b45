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

export interface FormatCapabilities {
  compressions: readonly Compression[];
  profiles: readonly Profile[];
  consistencies: readonly Consistency[];
  /** Whether one file can have the rows of several sources. */
  severalSources: boolean;
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
  emptyRows: true,
  defaults: { compression: 'none', profile: 'machine' },
};

const formatCapabilities = {
  csv: { ...text, profiles },
  json: text,
  ndjson: text,
  // A zip archive: compressed as it is, and not to be put together out of units.
  xlsx: {
    compressions: ['none'],
    profiles,
    consistencies: ['snapshot'],
    severalSources: false,
    emptyRows: false,
    defaults: { compression: 'none', profile: 'spreadsheet' },
  },
  // Compressed page by page on the inside; its row groups know nothing of each other.
  parquet: {
    ...text,
    compressions,
    emptyRows: false,
    defaults: { compression: 'zstd', profile: 'machine' },
  },
} satisfies Record<Format, FormatCapabilities>;

/** Returns the row of a format. */
export const capabilitiesOf = (format: Format): FormatCapabilities => formatCapabilities[format];
