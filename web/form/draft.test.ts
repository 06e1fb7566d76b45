import { expect, test } from '@jest/globals';
import { exportRequestFields, exportRequestSchema } from '../../lib/contracts/export-request.ts';
import type { SourceList } from '../../lib/contracts/sources.ts';
import type { RequestOptions } from './request-options.ts';

/** The build of the page defines it. */
const options: RequestOptions = {
  ttlBounds: { min: 60, max: 2_592_000 },
  defaults: { format: 'csv', compression: 'none', consistency: 'snapshot', ttlSeconds: 86_400 },
};
async function load() {
  Object.assign(globalThis, {
    REQUEST_OPTIONS: options,
    localStorage: { getItem: () => null, setItem: () => {} },
  });
  const modules = [import('./draft.ts'), import('./link.ts'), import('./saved-draft.ts')] as const;
  const [draft, link, saved] = await Promise.all(modules);
  return { ...draft, ...link, ...saved };
}

const berlin = 'Europe/Berlin';

const dataset = {
  name: 'orders',
  kind: 'table' as const,
  timeColumn: 'at',
  earliest: null,
  latest: null,
  estimatedRows: 1,
  columns: ['id', 'at', 'status'].map((name) => ({ name, type: 'text', nullable: false })),
};
const sources: SourceList = {
  sources: ['sales', 'iot'].map((name) => ({ name, datasets: [dataset] })),
};

/** Requests that together have a value other than the default for every field. */
const requests = [
  {
    sources: ['sales', 'iot'],
    dataset: 'orders',
    format: 'parquet',
    columns: ['status', 'id'],
    from: '2025-03-01T10:00:00.25Z',
    to: '2025-03-31T22:00:00Z',
    where: [
      { column: 'status', op: 'in', value: ['a', 'b'] },
      { any: [{ column: 'id', op: 'eq', value: 7 }] },
    ],
    compression: 'gzip',
    parquetTypes: 'portable',
    consistency: 'resumable',
    ttlSeconds: 259_200,
    name: 'March',
  },
  {
    sources: ['sales'],
    dataset: 'orders',
    format: 'csv',
    profile: 'spreadsheet',
    timeZone: 'Asia/Tokyo',
    timeOffset: true,
    order: 'time',
    csv: { delimiter: ';', decimal: ',', nullText: '-', quote: 'all', newline: 'crlf' },
    encryption: {
      recipients: ['age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p'],
    },
  },
].map((request) => exportRequestSchema.parse(request));

test('the requests of these tests have every field of the schema', () => {
  const fields = new Set(requests.flatMap((request) => Object.keys(request)));
  expect(Object.keys(exportRequestFields.shape).filter((field) => !fields.has(field))).toEqual([]);
});

test.each([0, 1])('Duplicate of request %i leads to an equal request', async (index) => {
  const { draftOf, readDraft } = await load();
  const request = requests[index];
  if (!request) throw new Error('no such request');
  const draft = draftOf(request, berlin);
  const sent = readDraft(draft, sources, berlin);
  expect(exportRequestSchema.parse(sent.request)).toEqual(request);
});

test.each([0, 1])(
  'a link with every field of request %i leads to an equal request',
  async (index) => {
    const { emptyDraft, readDraft, readLink } = await load();
    const request = requests[index];
    if (!request) throw new Error('no such request');
    const query = new URLSearchParams();
    for (const [field, value] of Object.entries(request)) {
      const name = field === 'sources' ? 'source' : field;
      const text = typeof value === 'object' ? JSON.stringify(value) : String(value);
      const isList = field === 'sources' || field === 'columns';
      query.set(name, isList ? text.replaceAll(/[[\]"]/g, '') : text);
    }
    const { draft, linkErrors } = readLink(query, emptyDraft, berlin);
    expect(linkErrors).toEqual([]);
    const sent = readDraft(draft, sources, berlin);
    expect(exportRequestSchema.parse(sent.request)).toEqual(request);
  },
);

test('a link whose options of CSV or encryption cannot be read has an error for each', async () => {
  const { emptyDraft, readLink } = await load();
  const query = new URLSearchParams({ csv: '{"delimiter":"x"}', encryption: 'age1' });
  const { linkErrors } = readLink(query, emptyDraft, berlin);
  expect(linkErrors.map(({ field }) => field)).toEqual(['csv', null]);
});

test('a draft that is saved and read again leads to an equal request, and none without its conditions', async () => {
  const { draftOf, emptyDraft, readDraft, readSavedDraft } = await load();
  for (const request of requests) {
    const saved: unknown = JSON.parse(JSON.stringify(draftOf(request, berlin)));
    const draft = readSavedDraft(saved);
    const sent = readDraft(draft ?? emptyDraft, sources, berlin);
    expect(exportRequestSchema.parse(sent.request)).toEqual(request);
  }
  const draft = { ...emptyDraft, conditions: [{ key: 'a', column: 'id' }] };
  expect(readSavedDraft(draft)).toBeNull();
});
