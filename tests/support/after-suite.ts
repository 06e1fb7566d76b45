/** Jest loads this module before each suite of the stack. Its hook runs before those of the suite itself. */
import { afterAll } from '@jest/globals';
import { cancelRemainingExports } from './remaining-exports.ts';
import { sql, stack } from './stack.ts';

afterAll(async () => {
  // A suite that signs in or changes passwords with wrong ones, as the fuzzer does, must not lock the demo accounts.
  await sql(stack.postgres.catalogue, 'delete from sign_in_failures');
  await cancelRemainingExports();
});
