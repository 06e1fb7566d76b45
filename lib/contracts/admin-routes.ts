import { z } from 'zod';
import {
  adminExportsQuerySchema,
  adminExportsSchema,
  adminSourcesSchema,
  deadLetterParams,
  deadLettersQuerySchema,
  deadLettersSchema,
  runningQuerySchema,
  runningSchema,
  statsQuerySchema,
  statsSchema,
} from './admin.ts';
import { csvNote } from './admin-lists.ts';
import { auditListSchema, auditQuerySchema } from './audit.ts';
import { exportDocumentSchema } from './export-document.ts';
import { described, type Route, secondsSchema } from './route.ts';

const pageHeaders = z.object({
  Link: described('The next page of CSV, if there is one').optional(),
});

/** Routes by which administrators see what happens, and handle dead letters. */
export const adminRoutes: readonly Route[] = [
  {
    method: 'get',
    path: '/admin/exports',
    operationId: 'listAllExports',
    summary: 'The exports of all accounts, newest first (administrators)',
    description: `Deleted exports, too. ${csvNote}`,
    caller: 'account',
    scope: 'admin',
    query: adminExportsQuerySchema,
    answers: {
      200: {
        description: 'One page',
        schema: adminExportsSchema,
        csv: true,
        headers: pageHeaders,
      },
    },
    codes: ['invalid_request'],
  },
  {
    method: 'post',
    path: '/admin/exports/{id}/cancel',
    operationId: 'cancelExport',
    summary: 'Cancel an export of any account (administrators)',
    description: 'Its owner keeps the export, as cancelled, and may run it again.',
    caller: 'account',
    scope: 'admin',
    audit: 'export.cancel',
    params: z.object({ id: z.uuid().meta({ description: 'The id of an export' }) }),
    answers: {
      200: { description: 'It was queued and is cancelled now', schema: exportDocumentSchema },
      202: {
        description: 'It is running and will be `cancelled`',
        schema: exportDocumentSchema,
        headers: z.object({
          'Retry-After': secondsSchema.meta({ description: 'Seconds until it is cancelled' }),
        }),
      },
    },
    codes: ['not_found', 'conflict'],
  },
  {
    method: 'get',
    path: '/admin/audit',
    operationId: 'listAudit',
    summary: 'Who did what, newest first (administrators)',
    description: `Changes, tickets, deliveries and refusals. ${csvNote}`,
    caller: 'account',
    scope: 'admin',
    query: auditQuerySchema,
    answers: {
      200: { description: 'One page', schema: auditListSchema, csv: true, headers: pageHeaders },
    },
    codes: ['invalid_request'],
  },
  {
    method: 'get',
    path: '/admin/stats',
    operationId: 'getStats',
    summary: 'Numbers of exports by day, account, source or format (administrators)',
    caller: 'account',
    scope: 'admin',
    query: statsQuerySchema,
    answers: { 200: { description: 'The numbers', schema: statsSchema } },
    codes: ['invalid_request'],
  },
  {
    method: 'get',
    path: '/admin/running',
    operationId: 'listRunning',
    summary: 'The units that run and wait, running ones first (administrators)',
    caller: 'account',
    scope: 'admin',
    query: runningQuerySchema,
    answers: { 200: { description: 'One page', schema: runningSchema } },
    codes: ['invalid_request'],
  },
  {
    method: 'get',
    path: '/admin/sources',
    operationId: 'listSourceStates',
    summary: 'The sources with load, budget, lag, pause and health (administrators)',
    caller: 'account',
    scope: 'admin',
    answers: { 200: { description: 'All sources', schema: adminSourcesSchema } },
    codes: [],
  },
  {
    method: 'get',
    path: '/admin/dead-letters',
    operationId: 'listDeadLetters',
    summary: 'The dead letters, newest first (administrators)',
    description: 'Without those that were discarded. A page of large letters has fewer.',
    caller: 'account',
    scope: 'admin',
    query: deadLettersQuerySchema,
    answers: { 200: { description: 'One page', schema: deadLettersSchema } },
    codes: ['not_found', 'invalid_request'],
  },
  {
    method: 'post',
    path: '/admin/dead-letters/{topic}/{partition}/{offset}/replay',
    operationId: 'replayDeadLetter',
    summary: 'Send the record of a dead letter to its topic again (administrators)',
    description:
      'Key, value and headers as they were. Once: a letter that was replayed or discarded, or that has only the beginning of the record, answers 409.',
    caller: 'account',
    scope: 'admin',
    audit: 'dead-letter.replay',
    params: deadLetterParams,
    answers: { 202: { description: 'It is sent as soon as Kafka takes it' } },
    codes: ['not_found', 'conflict'],
  },
  {
    method: 'delete',
    path: '/admin/dead-letters/{topic}/{partition}/{offset}',
    operationId: 'discardDeadLetter',
    summary: 'Discard a dead letter (administrators)',
    description: 'It is no longer listed. Kafka keeps the record as long as the topic says.',
    caller: 'account',
    scope: 'admin',
    audit: 'dead-letter.discard',
    params: deadLetterParams,
    answers: { 204: { description: 'It is discarded' } },
    codes: ['not_found', 'conflict'],
  },
];
