import { z } from 'zod';
import { histogramExample } from './examples.ts';
import { type Route } from './route.ts';
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

/** Sources: what is in them, and whether they are read. */
export const sourceRoutes: readonly Route[] = [
  {
    method: 'get',
    path: '/sources',
    operationId: 'listSources',
    summary: 'The sources granted to you, with their datasets and columns as they are now',
    description:
      'Of a source with thousands of tables the answer is bounded: the last datasets come without columns (`columnsLeftOut`), or are only counted (`datasetsLeftOut`). `estimatedRows`, and the first and last times, are those that the database knows quickly.',
    caller: 'account',
    query: sourceListQuerySchema,
    answers: {
      200: {
        description: 'Every source; one that does not answer has `error` and no datasets',
        schema: sourceListSchema,
      },
    },
    codes: ['not_found', 'refused_request'],
  },
  {
    method: 'get',
    path: '/sources/{source}/datasets/{dataset}',
    operationId: 'getDataset',
    summary: 'One dataset with all its columns as they are now',
    caller: 'account',
    params: dataset,
    answers: { 200: { description: 'The dataset', schema: datasetSchema } },
    codes: ['not_found', 'source_timeout', 'source_unavailable', 'source_error'],
  },
  {
    method: 'get',
    path: '/sources/{source}/datasets/{dataset}/histogram',
    operationId: 'getHistogram',
    summary: 'Where the data of a dataset is over time',
    description:
      'From the statistics of the database: the dataset is not read, and is no more exact than its last ANALYZE. Where nothing is known there are no buckets, and `reason` says why. Infinite times and those outside of the years 1 to 9999 are in no bucket.',
    caller: 'account',
    params: dataset,
    query: histogramQuerySchema,
    answers: {
      200: { description: 'The buckets', schema: histogramSchema, example: histogramExample },
    },
    codes: ['not_found', 'refused_request', 'source_timeout', 'source_unavailable', 'source_error'],
  },
  {
    method: 'post',
    path: '/sources/{name}/pause',
    operationId: 'pauseSource',
    summary: 'Let the exports of a source wait (administrators)',
    description: 'What is being read goes on; nothing more is begun until the pause is taken back.',
    caller: 'account',
    params: source,
    body: { schema: sourcePauseSchema, example: { reason: 'Maintenance until 14:00 UTC' } },
    answers: { 204: { description: 'Paused' } },
    codes: ['forbidden', 'not_found', 'refused_request'],
  },
  {
    method: 'delete',
    path: '/sources/{name}/pause',
    operationId: 'resumeSource',
    summary: 'Take the pause of a source back (administrators)',
    caller: 'account',
    params: source,
    answers: { 204: { description: 'Not paused (any more)' } },
    codes: ['forbidden', 'not_found'],
  },
];
