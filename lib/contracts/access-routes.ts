import { z } from 'zod';
import { eventPolicyExample, eventPolicySchema } from './event-policy.ts';
import { accountGrantsSchema, grantsExample, grantsSchema } from './grants.ts';
import type { Route } from './route.ts';
import { sizes } from './sizes.ts';

/** Path parameters of the routes about one account. */
export const accountParams = z.object({
  email: z.string().max(sizes.emailCharacters).meta({ description: 'The email of an account' }),
});
const policy = {
  200: { description: 'The policy', schema: eventPolicySchema, example: eventPolicyExample },
};

/** Routes for the event policies of accounts. */
export const accessRoutes: readonly Route[] = [
  {
    method: 'get',
    path: '/accounts/{email}/event-policy',
    operationId: 'getEventPolicy',
    summary: 'Which events may request exports for an account (administrators)',
    caller: 'account',
    scope: 'admin',
    params: accountParams,
    answers: policy,
    codes: ['forbidden', 'not_found'],
  },
  {
    method: 'put',
    path: '/accounts/{email}/event-policy',
    operationId: 'setEventPolicy',
    summary: 'Set which events may request exports for an account (administrators)',
    description:
      'Replaces the former policy, for every event that is read from now on. It does not change whether the account may request exports by event at all. A `kid` that was used belongs to its key forever; a removed key may be added again.',
    caller: 'account',
    scope: 'admin',
    audit: 'account.set-event-policy',
    params: accountParams,
    body: { schema: eventPolicySchema, example: eventPolicyExample },
    answers: policy,
    codes: ['forbidden', 'not_found', 'invalid_request'],
  },
  {
    method: 'put',
    path: '/admin/accounts/{email}/grants',
    operationId: 'setGrants',
    summary: 'Set what an account may read (administrators)',
    description:
      'Replaces all former grants, for every call, and every unit and download that starts from now on. The grant of a dataset applies to it instead of that of `*`. A file that was made under other rules than those that apply to its dataset now cannot be downloaded.',
    caller: 'account',
    scope: 'admin',
    audit: 'account.set-grants',
    params: accountParams,
    body: { schema: grantsSchema, example: grantsExample },
    answers: {
      200: { description: 'The grants', schema: accountGrantsSchema, example: grantsExample },
    },
    codes: ['forbidden', 'not_found', 'invalid_request'],
  },
];
