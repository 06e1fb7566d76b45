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
import { described, type Route, secondsSchema, sourceCodes } from './route.ts';
import { sizes } from './sizes.ts';

const id = z.object({ id: z.uuid().meta({ description: 'The id of one of your exports' }) });
const pollAfter = secondsSchema.meta({ description: 'Seconds until the next poll' });

/** Routes to request, follow and download exports. */
export const exportRoutes: readonly Route[] = [
  {
    method: 'post',
    path: '/exports',
    operationId: 'createExport',
    summary: 'Create an export',
    caller: 'account',
    scope: 'exports:write',
    audit: 'export.create',
    headers: z.object({
      'Idempotency-Key': z.string().min(1).max(sizes.keyCharacters).optional().meta({
        description:
          'A key of your choice, kept for 7 days. With the same request it returns the same export again, in any state; with another request it is rejected. Requests are compared after the defaults were added.',
      }),
    }),
    body: { schema: exportRequestSchema, example: requestExample },
    answers: {
      202: {
        description: 'Accepted: the new export, or the earlier one of this key',
        schema: exportDocumentSchema,
        example: queuedExample,
        headers: z.object({ Location: described('Path of the export'), 'Retry-After': pollAfter }),
      },
    },
    codes: [
      'idempotency_conflict',
      'forbidden',
      'invalid_request',
      'too_large_for_snapshot',
      'over_limit',
      'too_many_requests',
      'dataset_changed',
      ...sourceCodes,
    ],
  },
  {
    method: 'post',
    path: '/exports/estimate',
    operationId: 'estimateExport',
    summary: 'Estimate the size of an export',
    description:
      'From the statistics of the source and from earlier exports; the dataset is not read. If the export would be rejected for its size, the response is still 200, with the error in `refusal`.',
    caller: 'account',
    scope: 'exports:read',
    body: { schema: exportRequestSchema, example: requestExample },
    answers: {
      200: {
        description:
          'Rows, bytes of the file, seconds of running time, each accurate within about a factor of two',
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
    codes: ['forbidden', 'invalid_request', 'dataset_changed', ...sourceCodes],
  },
  {
    method: 'post',
    path: '/exports/preview',
    operationId: 'previewExport',
    summary: 'The first 20 rows, as in the file',
    description:
      'Read by the COPY of an export and written by its encoder; no export is created. Rows of several sources follow each other. With `order: any` the file may start with other rows, because the database returns them in any order. It takes at most 5 seconds, then `source_timeout` says what to do. An account has one preview at a time. A value in these rows that would fail the export fails the preview with the same error.',
    caller: 'account',
    scope: 'exports:write',
    body: { schema: exportRequestSchema, example: requestExample },
    answers: {
      200: { description: 'The rows', schema: exportPreviewSchema, example: previewExample },
    },
    codes: [
      'forbidden',
      'invalid_request',
      'cell_too_long',
      'unsuitable_value',
      'dataset_changed',
      'too_many_requests',
      ...sourceCodes,
      'source_lagging',
    ],
  },
  {
    method: 'get',
    path: '/exports',
    operationId: 'listExports',
    summary: 'Your exports, newest first',
    caller: 'account',
    scope: 'exports:read',
    query: exportListQuerySchema,
    answers: {
      200: {
        description: 'One page; `nextCursor` is the `cursor` of the next, null on the last',
        schema: exportListSchema,
      },
    },
    codes: ['invalid_request'],
  },
  {
    method: 'get',
    path: '/exports/{id}',
    operationId: 'getExport',
    summary: 'One export',
    caller: 'account',
    scope: 'exports:read',
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
          ETag: described('Changes with the export'),
          'Retry-After': secondsSchema
            .optional()
            .meta({ description: 'Seconds until the next poll, unless the export has ended' }),
        }),
      },
      304: {
        description: 'The export has not changed',
        headers: z.object({ ETag: described('The `ETag` that was sent') }),
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
    scope: 'exports:write',
    audit: 'export.delete',
    params: id,
    answers: {
      200: { description: 'It was queued and is cancelled now', schema: exportDocumentSchema },
      202: {
        description: 'It is running and will be `cancelled`',
        schema: exportDocumentSchema,
        headers: z.object({ 'Retry-After': pollAfter }),
      },
      204: { description: 'It had ended and is deleted' },
    },
    codes: ['not_found'],
  },
  {
    method: 'post',
    path: '/exports/{id}/retry',
    operationId: 'retryExport',
    summary: 'Run a failed, cancelled or expired export again, under the same id',
    caller: 'account',
    scope: 'exports:write',
    audit: 'export.retry',
    params: id,
    answers: {
      202: {
        description: 'Queued again; the source will be read again',
        schema: exportDocumentSchema,
        example: queuedExample,
        headers: z.object({ Location: described('Path of the export'), 'Retry-After': pollAfter }),
      },
    },
    codes: [
      'forbidden',
      'not_found',
      'not_retryable',
      'invalid_request',
      'too_large_for_snapshot',
      'over_limit',
      'too_many_requests',
      'dataset_changed',
      ...sourceCodes,
    ],
  },
  {
    method: 'get',
    path: '/exports/{id}/manifest',
    operationId: 'getManifest',
    summary: 'The proof of the content of the file',
    caller: 'account',
    scope: 'exports:read',
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
    summary: 'Create a link to the file',
    description:
      'The link must be used within a minute. Its first use binds it to that browser, where a transfer can be resumed; with your credentials it can be resumed anywhere.',
    caller: 'account',
    scope: 'files:read',
    audit: 'ticket.create',
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
    summary: 'Redirects to a new link to the file: the URL in events',
    caller: 'either',
    scope: 'files:read',
    audit: 'ticket.create',
    params: id,
    answers: {
      302: {
        description:
          'To a new link. A browser without credentials (`Accept` has text/html) is redirected to the page of the export',
        headers: z.object({ Location: described('The link, or the page') }),
      },
    },
    codes: ['forbidden', 'not_found', 'not_ready', 'expired'],
  },
  {
    method: 'post',
    path: '/exports/{id}/acknowledge',
    operationId: 'acknowledgeExport',
    summary: 'Prove that you have the complete file',
    caller: 'account',
    scope: 'files:read',
    audit: 'export.acknowledge',
    params: id,
    body: { schema: acknowledgementSchema, example: acknowledgementExample },
    answers: { 204: { description: 'The export counts as downloaded' } },
    codes: ['not_found', 'not_ready', 'expired', 'invalid_request'],
  },
];
