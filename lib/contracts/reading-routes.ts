import { z } from 'zod';
import {
  acceptedReadingsSchema,
  readingsQuerySchema,
  readingsSchema,
  sentReadingsSchema,
  seriesListQuerySchema,
  seriesListSchema,
} from './readings.ts';
import { described, type Route, sourceCodes } from './route.ts';
import { sizes } from './sizes.ts';

/** Routes to send readings, and to look at series. */
export const readingRoutes: readonly Route[] = [
  {
    method: 'get',
    path: '/series',
    operationId: 'listSeries',
    summary: 'The series of readings, by name',
    description: 'Empty for an account without a grant of the source with the readings.',
    caller: 'account',
    scope: 'readings:read',
    query: seriesListQuerySchema,
    answers: {
      200: {
        description: 'One page; `nextCursor` is the `cursor` of the next, null on the last',
        schema: seriesListSchema,
        example: {
          items: [
            {
              series: 'pump-1',
              unit: 'bar',
              latest: { at: '2026-03-01T12:00:00.25Z', value: 3.2 },
            },
          ],
          nextCursor: null,
        },
      },
    },
    codes: ['forbidden', 'invalid_request', ...sourceCodes],
  },
  {
    method: 'get',
    path: '/readings',
    operationId: 'getReadings',
    summary: 'The readings of a series in buckets of time',
    description:
      'Exactly the readings from `from` to before `to`, each in the bucket of its time. Buckets begin at midnight UTC, those of several days on Mondays. A range with more buckets than points are allowed is rejected.',
    caller: 'account',
    scope: 'readings:read',
    query: readingsQuerySchema,
    headers: z.object({
      'If-None-Match': z
        .string()
        .max(sizes.headerBytes)
        .optional()
        .meta({ description: 'The `ETag` of an earlier answer' }),
    }),
    answers: {
      200: {
        description: 'The points',
        schema: readingsSchema,
        example: {
          series: 'pump-1',
          bucket: '1m',
          points: [
            { at: '2026-03-01T12:00:00Z', min: 3.1, max: 3.4, avg: 3.2, last: 3.2, count: 60 },
          ],
        },
        headers: z.object({ ETag: described('Changes with the points') }),
      },
      304: {
        description: 'The points have not changed',
        headers: z.object({ ETag: described('The `ETag` that was sent') }),
      },
    },
    codes: ['forbidden', 'not_found', 'invalid_request', ...sourceCodes],
  },
  {
    method: 'post',
    path: '/readings',
    operationId: 'createReadings',
    summary: 'Send readings',
    description:
      'One reading or an array, of any number of series. All are checked first: if one is wrong, none is taken. They can be queried soon after the response. The account needs a grant of the source with the readings.',
    caller: 'account',
    scope: 'readings:write',
    audit: 'readings.create',
    body: {
      schema: sentReadingsSchema,
      example: [{ series: 'pump-1', at: '2026-03-01T12:00:00.250Z', value: 3.2, unit: 'bar' }],
    },
    answers: {
      202: { description: 'Kafka has stored all of them', schema: acceptedReadingsSchema },
    },
    codes: ['forbidden', 'invalid_request'],
  },
];
