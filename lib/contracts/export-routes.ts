import { z } from 'zod';
import {
  acknowledgementExample,
  documentExample,
  manifestExample,
  previewExample,
  queuedExample,
  requestExample,
  ticketExample,
} from './examples.ts';
import {
  acknowledgementSchema,
  downloadSchema,
  exportDocumentSchema,
  exportEstimateSchema,
  exportListQuerySchema,
  exportListSchema,
  manifestSchema,
} from './export-document.ts';
import { exportPreviewSchema } from './export-preview.ts';
import { exportRequestSchema } from './export-request.ts';
import { type Route, secondsSchema } from './route.ts';
import { sizes } from './sizes.ts';

const id = z.object({ id: z.uuid().meta({ description: 'The id of an export of yours' }) });
const askAgain = secondsSchema.meta({ description: 'Seconds until it is worth asking again' });
const described = (description: string) => z.string().meta({ description });

/** What may be met when a source is asked something. */
const ofSource = ['source_timeout', 'source_unavailable', 'source_error'] as const;

/** Exports: asked for, followed, fetched. */
export const exportRoutes: readonly Route[] = [
  {
    method: 'post',
    path: '/exports',
    operationId: 'createExport',
    summary: 'Ask for an export',
    caller: 'account',
    headers: z.object({
      'Idempotency-Key': z.string().min(1).max(sizes.keyCharacters).optional().meta({
        description:
          'Yours to choose; remembered for 7 days. With the same request it gives the same export again, whatever became of it; with another request it is refused. Requests are compared after their defaults are filled in.',
      }),
    }),
    body: { schema: exportRequestSchema, example: requestExample },
    answers: {
      202: {
        description: 'Accepted: the export, or the one made before under this key',
        schema: exportDocumentSchema,
        example: queuedExample,
        headers: z.object({ Location: described('Path of the export'), 'Retry-After': askAgain }),
      },
    },
    codes: [
      'idempotency_conflict',
      'refused_request',
      'too_large_for_snapshot',
      'over_limit',
      'too_many_requests',
      'dataset_changed',
      ...ofSource,
    ],
  },
  {
    method: 'post',
    path: '/exports/estimate',
    operationId: 'estimateExport',
    summary: 'What an export would be, before any work',
    description:
      'From the statistics of the source and from earlier exports; the dataset is not read. What would be refused for its size is answered all the same, with the refusal.',
    caller: 'account',
    body: { schema: exportRequestSchema, example: requestExample },
    answers: {
      200: {
        description:
          'Rows, bytes of the file, seconds once it runs; each within a factor of two or so',
        schema: exportEstimateSchema,
        example: {
          rows: 8_700,
          bytes: 920_000,
          seconds: 1,
          limits: { maxRows: 1_000_000, maxBytes: null },
          refusal: null,
        },
      },
    },
    codes: ['refused_request', 'dataset_changed', ...ofSource],
  },
  {
    method: 'post',
    path: '/exports/preview',
    operationId: 'previewExport',
    summary: 'The first 20 rows as they would stand in the file',
    description:
      'Read by the COPY of an export, written by its encoder; nothing is made. Of several sources those of the first come first. With `order: any` the file may begin with other rows: the database gives them in any order. It takes at most 5 seconds, then `source_timeout` says what to do; an account has one at a time; a value that would end the export within these rows is refused as the export would be.',
    caller: 'account',
    body: { schema: exportRequestSchema, example: requestExample },
    answers: {
      200: { description: 'The rows', schema: exportPreviewSchema, example: previewExample },
    },
    codes: [
      'refused_request',
      'cell_too_long',
      'unsuitable_value',
      'dataset_changed',
      'too_many_requests',
      ...ofSource,
      'source_lagging',
    ],
  },
  {
    method: 'get',
    path: '/exports',
    operationId: 'listExports',
    summary: 'Your exports, newest first',
    caller: 'account',
    query: exportListQuerySchema,
    answers: {
      200: {
        description: 'One page; `nextCursor` is the `cursor` of the next, null on the last',
        schema: exportListSchema,
      },
    },
    codes: ['refused_request'],
  },
  {
    method: 'get',
    path: '/exports/{id}',
    operationId: 'getExport',
    summary: 'One export',
    caller: 'account',
    params: id,
    headers: z.object({
      'If-None-Match': z
        .string()
        .max(sizes.headerBytes)
        .optional()
        .meta({ description: 'The `ETag` of an earlier answer' }),
    }),
    answers: {
      200: {
        description: 'The export as it is now',
        schema: exportDocumentSchema,
        example: documentExample,
        headers: z.object({
          ETag: described('Changes when the export does'),
          'Retry-After': secondsSchema
            .optional()
            .meta({ description: 'Seconds until it is worth asking again, until it has ended' }),
        }),
      },
      304: {
        description: 'Nothing has changed',
        headers: z.object({ ETag: described('As it was sent') }),
      },
    },
    codes: ['not_found'],
  },
  {
    method: 'delete',
    path: '/exports/{id}',
    operationId: 'deleteExport',
    summary: 'Cancel an export, or delete an ended one with its file',
    caller: 'account',
    params: id,
    answers: {
      200: { description: 'It was queued and is cancelled', schema: exportDocumentSchema },
      202: {
        description: 'It is running and was told to stop; it will be `cancelled`',
        schema: exportDocumentSchema,
        headers: z.object({ 'Retry-After': askAgain }),
      },
      204: { description: 'It had ended and is gone' },
    },
    codes: ['not_found'],
  },
  {
    method: 'post',
    path: '/exports/{id}/retry',
    operationId: 'retryExport',
    summary: 'Run an export again that failed, was cancelled or has expired, under the same id',
    caller: 'account',
    params: id,
    answers: {
      202: {
        description: 'Queued again; the source is read anew',
        schema: exportDocumentSchema,
        example: queuedExample,
        headers: z.object({ Location: described('Path of the export'), 'Retry-After': askAgain }),
      },
    },
    codes: [
      'not_found',
      'not_retryable',
      'refused_request',
      'too_large_for_snapshot',
      'over_limit',
      'too_many_requests',
      'dataset_changed',
      ...ofSource,
    ],
  },
  {
    method: 'get',
    path: '/exports/{id}/manifest',
    operationId: 'getManifest',
    summary: 'The proof of what the file holds',
    caller: 'account',
    params: id,
    answers: {
      200: { description: 'The manifest', schema: manifestSchema, example: manifestExample },
    },
    codes: ['forbidden', 'not_found', 'not_ready', 'expired'],
  },
  {
    method: 'post',
    path: '/exports/{id}/download',
    operationId: 'createDownload',
    summary: 'A fresh link to the file',
    description:
      'The link has to be used within a minute. Its first use binds it to the browser that used it; from there, or with your credentials, a transfer can be resumed.',
    caller: 'account',
    params: id,
    answers: {
      200: { description: 'The link', schema: downloadSchema, example: ticketExample },
    },
    codes: ['forbidden', 'not_found', 'not_ready', 'expired'],
  },
  {
    method: 'get',
    path: '/exports/{id}/file',
    operationId: 'getFile',
    summary: 'The file, by way of a fresh link: the address that events carry',
    caller: 'either',
    params: id,
    answers: {
      302: {
        description:
          'To a fresh link. A browser without credentials (`Accept` has text/html) goes to the page of the export',
        headers: z.object({ Location: described('The link, or the page') }),
      },
    },
    codes: ['forbidden', 'not_found', 'not_ready', 'expired'],
  },
  {
    method: 'post',
    path: '/exports/{id}/acknowledge',
    operationId: 'acknowledgeExport',
    summary: 'Prove that you have the whole file',
    caller: 'account',
    params: id,
    body: { schema: acknowledgementSchema, example: acknowledgementExample },
    answers: { 204: { description: 'It counts as downloaded' } },
    codes: ['not_found', 'not_ready', 'expired', 'refused_request'],
  },
];
