import type { ExportDocument, Manifest } from './export-document.ts';
import type { ExportPreview } from './export-preview.ts';
import type { KeySet } from './key-set.ts';
import type { Limits } from './limits.ts';
import type { Histogram } from './sources.ts';

const id = '019a0c5e-7b1a-7c3e-9d52-4f6a1b2c3d4e';
const sha256 = '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08';

export const requestExample = {
  sources: ['sales'],
  dataset: 'orders',
  from: '2026-03-01T00:00:00Z',
  to: '2026-04-01T00:00:00Z',
  format: 'csv',
};

export const documentExample: ExportDocument = {
  id,
  status: 'ready',
  request: {
    sources: ['sales'],
    dataset: 'orders',
    from: '2026-03-01T00:00:00Z',
    to: '2026-04-01T00:00:00Z',
    format: 'csv',
    compression: 'none',
    profile: 'machine',
    timeZone: 'UTC',
    order: 'any',
    consistency: 'snapshot',
    ttlSeconds: 86_400,
  },
  owner: 'analyst@example.com',
  progress: {
    rows: 8_640,
    bytes: 912_384,
    estimatedRows: 8_700,
    queuePosition: null,
    etaSeconds: null,
    waiting: null,
  },
  file: {
    name: 'orders_2026-03-01_2026-04-01_1b2c3d4e.csv',
    bytes: 912_384,
    rows: 8_640,
    sha256,
    contentType: 'text/csv',
  },
  error: null,
  createdAt: '2026-04-01T08:00:00.000Z',
  startedAt: '2026-04-01T08:00:00.200Z',
  finishedAt: '2026-04-01T08:00:01.700Z',
  expiresAt: '2026-04-02T08:00:01.700Z',
  downloadedAt: null,
};

export const queuedExample: ExportDocument = {
  ...documentExample,
  status: 'queued',
  progress: {
    rows: 0,
    bytes: 0,
    estimatedRows: 8_700,
    queuePosition: 0,
    etaSeconds: 2,
    waiting: null,
  },
  file: null,
  startedAt: null,
  finishedAt: null,
  expiresAt: null,
};

export const manifestExample: Manifest = {
  exportId: id,
  request: documentExample.request,
  file: {
    name: 'orders_2026-03-01_2026-04-01_1b2c3d4e.csv',
    bytes: 912_384,
    rows: 8_640,
    sha256,
  },
  truncated: false,
  consistency: 'snapshot',
  columns: [{ name: 'id', databaseType: 'bigint', fileType: 'text' }],
  sources: [
    {
      name: 'sales',
      rows: 8_640,
      rowsWithoutTime: 0,
      asOf: '2026-04-01T08:00:00.200Z',
      lsn: '0/1A2B3C8',
    },
  ],
  skewSeconds: 0,
  createdBy: documentExample.owner,
  signature:
    'eyJhbGciOiJFZDI1NTE5Iiwia2lkIjoiMjAyNi0wMyIsInR5cCI6InN0cmVhbXN5bmMtbWFuaWZlc3QrandzIn0..MpVNMqrUOuH42JGjjgbHm67mrP678hcsMWBavUFKLa_umlAQtdUVSYAUkq1tp_-uec80p1quYBmEuEIt9GF2Dw',
};

/** The key that signed the manifest above. */
export const keySetExample: KeySet = {
  keys: [
    {
      kty: 'OKP',
      crv: 'Ed25519',
      alg: 'Ed25519',
      use: 'sig',
      kid: '2026-03',
      x: '6K9JqsVbTB1iLQMuvM9FcN9fiBWdLt6nlv8-bMbg7SM',
    },
  ],
};

export const limitsExample: Limits = { maxRows: 1_000_000, maxBytes: 5_000_000_000 };

export const previewExample: ExportPreview = {
  columns: [
    { name: 'id', databaseType: 'bigint', fileType: 'text' },
    { name: 'comment', databaseType: 'text', fileType: 'text' },
  ],
  rows: [
    ['1', 'Leave it with the neighbours'],
    ['2', null],
  ],
  cut: [],
  tooLarge: false,
  text: 'id,comment\n1,Leave it with the neighbours\n2,\n',
  textCut: false,
};

export const histogramExample: Histogram = {
  dataset: 'orders',
  timeColumn: 'ordered_at',
  basis: 'statistics',
  reason: null,
  buckets: [
    { from: '2026-03-01T00:00:00.000Z', to: '2026-03-08T00:00:00.000Z', rows: 2_010 },
    { from: '2026-03-08T00:00:00.000Z', to: '2026-03-15T00:00:00.000Z', rows: 1_940 },
  ],
};

export const acknowledgementExample = { sha256 };
export const ticketExample = {
  url: 'https://streamsync.example/files/kq0…/orders_2026-03-01_2026-04-01_1b2c3d4e.csv',
  expiresAt: '2026-04-01T08:01:30.000Z',
};

export const readingExample = { series: 'pump-1', at: '2026-03-01T12:00:00.250Z', value: 3.2 };

export const fileLinkExample = `https://streamsync.example/api/v1/exports/${id}/file`;

/** The fields of every event except `data`. */
export const eventExample = {
  specversion: '1.0',
  id: 'b7c9a3f2-3c1e-4a55-8f21-0d6c2b9e7a10',
  time: '2026-04-01T08:00:01.750Z',
  datacontenttype: 'application/json',
};

export const healthExample = {
  status: 'degraded',
  parts: { catalogue: { status: 'ok' }, kafka: { status: 'down' }, storage: { status: 'ok' } },
  problems: [
    {
      code: 'kafka_down',
      message: 'Kafka does not answer. Exports are accepted and start when it is back.',
    },
  ],
};
