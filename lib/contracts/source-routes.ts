import { z } from 'zod';
import { histogramExample } from './examples.ts';
import { type Route, sourceCodes } from './route.ts';
import { sizes } from './sizes.ts';
import {
  datasetSchema,
  histogramQuerySchema,
  histogramSchema,
  sourceListQuerySchema,
  sourceListSchema,
  sourcePauseSchema,
} from './sources.ts';

const named = (description: string) => z.string().max(sizes.nameCharacters).meta({ description });
const source = z.object({ name: named('The name of a source') });
const dataset = z.object({
  source: named('The name of a source'),
  dataset: named('The name of a dataset in it: `table`, or `schema.table`; URL-encoded'),
});

/** Routes for the content of sources, and for pausing them. */
export const sourceRoutes: readonly Route[] = [
  {
    method: 'get',
    path: '/sources',
    operationId: 'listSources',
    summary: 'Your sources, with their current datasets and columns',
    description:
      'The size of the response is limited: for a source with thousands of tables the last datasets have no columns (`columnsLeftOut`), or are only counted (`datasetsLeftOut`). `estimatedRows`, and the first and last times, are those that the database returns quickly.',
    caller: 'account',
    scope: 'exports:read',
    query: sourceListQuerySchema,
    answers: {
      200: {
        description: 'Every source; one that does not answer has `error` and no datasets',
        schema: sourceListSchema,
      },
    },
    codes: ['not_found', 'invalid_request'],
  },
  {
    method: 'get',
    path: '/sources/{source}/datasets/{dataset}',
    operationId: 'getDataset',
    summary: 'One dataset with all its current columns',
    caller: 'account',
    scope: 'exports:read',
    params: dataset,
    answers: { 200: { description: 'The dataset', schema: datasetSchema } },
    codes: ['forbidden', 'not_found', ...sourceCodes],
  },
  {
    method: 'get',
    path: '/sources/{source}/datasets/{dataset}/histogram',
    operationId: 'getHistogram',
    summary: 'The row distribution of a dataset over time',
    description:
      'Estimated from the statistics of the last ANALYZE of the database; the dataset is not read. Without statistics there are no buckets, and `reason` says why. Infinite times, and times outside of the years 1 to 9999, are in no bucket.',
    caller: 'account',
    scope: 'exports:read',
    params: dataset,
    query: histogramQuerySchema,
    answers: {
      200: { description: 'The buckets', schema: histogramSchema, example: histogramExample },
    },
    codes: ['forbidden', 'not_found', 'invalid_request', ...sourceCodes],
  },
  {
    method: 'post',
    path: '/sources/{name}/pause',
    operationId: 'pauseSource',
    summary: 'Pause a source: its exports wait (administrators)',
    description:
      'Units that are being read continue; no further unit starts until the source is resumed.',
    caller: 'account',
    scope: 'admin',
    audit: 'source.pause',
    params: source,
    body: { schema: sourcePauseSchema, example: { reason: 'Maintenance until 14:00 UTC' } },
    answers: { 204: { description: 'Paused' } },
    codes: ['forbidden', 'not_found', 'invalid_request'],
  },
  {
    method: 'delete',
    path: '/sources/{name}/pause',
    operationId: 'resumeSource',
    summary: 'Resume a paused source (administrators)',
    caller: 'account',
    scope: 'admin',
    audit: 'source.resume',
    params: source,
    answers: { 204: { description: 'Not paused' } },
    codes: ['forbidden', 'not_found'],
  },
];
