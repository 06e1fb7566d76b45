import { expect, test } from '@jest/globals';
import { faultOfCondition } from './operators.ts';

test.each([
  { base: 'text', like: true, lt: true },
  { base: 'character varying(9)', like: true, lt: true },
  { base: 'citext', like: true, lt: true },
  { base: 'extensions.citext', like: true, lt: true },
  { base: 'numeric(12,2)', like: false, lt: true },
  { base: 'timestamp(3) with time zone', like: false, lt: true },
  { base: 'citext[]', like: false, lt: false },
  { base: 'text[]', like: false, lt: false },
  { base: 'integer[]', like: false, lt: false },
  { base: 'textual', like: false, lt: false },
  { base: 'boolean', like: false, lt: false },
])('a column of a domain over $base takes the operators of that', ({ base, like, lt }) => {
  const column = { name: 'x', type: 'own', base, nullable: true };
  const taken = (op: 'like' | 'lt'): boolean =>
    faultOfCondition(column, { column: 'x', op, value: '1' })?.part !== 'op';
  expect({ like: taken('like'), lt: taken('lt') }).toEqual({ like, lt });
});
