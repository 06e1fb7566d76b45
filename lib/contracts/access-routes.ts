import { z } from 'zod';
import { eventPolicyExample, eventPolicySchema } from './event-policy.ts';
import type { Route } from './route.ts';
import { sizes } from './sizes.ts';

/** Parameters of what is about one account. */
export const accountParams = z.object({
  email: z.string().max(sizes.emailCharacters).meta({ description: 'The email of an account' }),
});
const policy = {
  200: { description: 'The policy', schema: eventPolicySchema, example: eventPolicyExample },
};

/** Who may ask for what in whose name. */
export const accessRoutes: readonly Route[] = [
  {
    method: 'get',
    path: '/accounts/{email}/event-policy',
    operationId: 'getEventPolicy',
    summary: 'Which events may ask in the name of an account (administrators)',
    caller: 'account',
    params: accountParams,
    answers: policy,
    codes: ['forbidden', 'not_found'],
  },
  {
    method: 'put',
    path: '/accounts/{email}/event-policy',
    operationId: 'setEventPolicy',
    summary: 'Say which events may ask in the name of an account (administrators)',
    description:
      'Replaces the former policy, for every event that is read from now on. Whether the account may ask by event at all is said elsewhere. A `kid` that was used is never given to another key; the same key may come back.',
    caller: 'account',
    params: accountParams,
    body: { schema: eventPolicySchema, example: eventPolicyExample },
    answers: policy,
    codes: ['forbidden', 'not_found', 'refused_request'],
  },
];
